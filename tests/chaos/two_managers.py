"""A farm with two managers on one PostgreSQL, hosts on both, and one Temporal."""

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx
import yaml

from tests.farm.processes import FarmProcesses, free_port, wait_until


class TwoManagers(FarmProcesses):
    """`with TwoManagers(directory, database_url, settings=…) as farm: …`

    The first manager runs Temporal, which lives on when the manager is killed.
    """

    def __init__(
        self, directory: Path, database_url: str, *, frame_s: float, settings: Mapping[str, str]
    ) -> None:
        shared = {
            "TABLAO_DATABASE": database_url,
            "TABLAO_SHARED_STORAGE_PATH": str(directory / "shared"),
            "TABLAO_LOCAL_MANAGER_STORAGE_PATH": str(directory / "job-files"),
        }
        super().__init__(directory, frame_s=frame_s, settings={**settings, **shared})
        self.second_port = free_port()
        self.second: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        super().__enter__()
        self._prepare_second(self.temporal_address)
        self.start_second()
        return self

    def _prepare_second(self, temporal_address: str) -> None:
        settings = yaml.safe_load((self.data_dir / "tablao-manager.yaml").read_text())
        self._second_dir.mkdir()
        (self._second_dir / "tablao-manager.yaml").write_text(
            yaml.safe_dump({**settings, "temporal_address": temporal_address})
        )

    def __exit__(self, *details: object) -> None:
        if self.second is not None and self.second.poll() is None:
            self.kill_second()
        super().__exit__(*details)

    @property
    def _second_dir(self) -> Path:
        return self.directory / "second-manager"

    def start_second(self) -> None:
        self.launch_second()
        wait_until(self._second_answers, 180)

    def launch_second(self) -> None:
        """Start it without waiting until it answers."""
        arguments = ["--data-dir", str(self._second_dir), "--port", str(self.second_port)]
        self.second = self._start("second", "manager_api.cli.main", "manager", *arguments)

    def _second_answers(self) -> bool:
        try:
            version = httpx.get(f"http://127.0.0.1:{self.second_port}/api/v3/version")
        except httpx.TransportError:
            return False
        return version.status_code == 200

    def kill_second(self) -> None:
        assert self.second is not None
        self.second.kill()
        self.second.wait()

    def start_hosts(self, count: int) -> None:
        """Start hosts that connect to the first and the second manager by turns."""
        own = self.url
        for number in range(1, count + 1):
            self.url = own if number % 2 else f"http://127.0.0.1:{self.second_port}"
            self.start_host(f"host{number}")
        self.url = own
        wait_until(lambda: len(self.awake()) >= count, 180)
