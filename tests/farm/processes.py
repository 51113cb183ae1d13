"""A farm of real processes, for tests that kill them: manager, Temporal, hosts."""

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from http import HTTPStatus
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx
import psutil
import yaml

from tests.farm.local_admin import LocalAdmin

T = TypeVar("T")

#: Stands in for Blender where a test is about the farm: renders a frame by waiting, and keeps a
#: ledger of what ran when, so that a test can tell whether anything ran twice.
STAND_IN = """#!/bin/sh
# usage: stand-in … --render-frame N
for last; do :; done
echo "start $last $$ $(date +%s.%N)" >> "$LEDGER"
echo "Fra:$last Mem:1.00M | Sample 1/2"
sleep "$FRAME_S"
base64 -d > "$OUT/$last.png" <<PNG
iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABc3UBGAAAAABJRU5ErkJggg==
PNG
echo "Saved: '$OUT/$last.png'"
echo "end $last $$ $(date +%s.%N)" >> "$LEDGER"
"""

#: Production's time-outs, scaled down together.
SCALED: Mapping[str, str] = {
    "TABLAO_BEAT_S": "0.5",
    "TABLAO_LOST_AFTER_S": "8",
    "TABLAO_SCHEDULE_TO_START_S": "12",
    "TABLAO_HEARTBEAT_S": "20",
    "TABLAO_HEARTBEAT_EVERY_S": "1",
    "TABLAO_KEEPER_TICK_S": "1",
    "TABLAO_KEEPER_HEARTBEAT_S": "5",
    "TABLAO_RESEND_S": "1",
    "TABLAO_RETRY_PAUSE_S": "0.5",
    "TABLAO_UNATTACHED_GRACE_S": "10",
    "TABLAO_ORPHAN_AFTER_S": "60",
    "TABLAO_STOP_GRACE_S": "2",
}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def wait_until(what: Callable[[], T | None], timeout_s: float = 60.0, every_s: float = 0.1) -> T:
    """The first true answer; an error with the last one when it does not come in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        answer = what()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s} s: {answer!r}")
        time.sleep(every_s)


class FarmProcesses:
    """`with FarmProcesses(directory) as farm: …`; ends all that it started."""

    def __init__(
        self,
        directory: Path,
        *,
        frame_s: float = 5.0,
        settings: Mapping[str, str] = SCALED,
        blender: str = STAND_IN,
    ) -> None:
        self.directory = directory
        self.admin = LocalAdmin(self.data_dir)
        self.move_to(free_port())
        self.manager: subprocess.Popen[bytes] | None = None
        self.hosts: dict[str, subprocess.Popen[bytes]] = {}
        self.ledger = directory / "ledger"
        self.out = directory / "out"
        self.programs: dict[str, Sequence[str]] = {}
        """Beginnings of command lines, by the module that they stand in for."""
        self._frame_s = frame_s
        self.blend_file = (
            self.data_dir / "tablao-manager.yaml"
        )  # the stand-in does not look into it
        self._settings = dict(settings)
        self._blender = blender

    def move_to(self, port: int) -> None:
        """Serve at this port from the next start on."""
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.http = httpx.Client(base_url=self.url, timeout=30.0, auth=self.admin)

    def __enter__(self) -> Self:
        self.directory.mkdir(parents=True, exist_ok=True)
        self.out.mkdir(exist_ok=True)
        self.ledger.touch()
        stand_in = self.directory / "stand-in-blender"
        stand_in.write_text(self._blender)
        stand_in.chmod(0o755)
        variables = {"blender": {"values": [{"platform": "linux", "value": str(stand_in)}]}}
        self.configure({"variables": variables})
        self.start_manager()
        return self

    def __exit__(self, *_: object) -> None:
        processes = [*self.hosts.values(), self.manager]
        for process in processes:
            if process is not None and process.poll() is None:
                process.terminate()
        for process in processes:
            if process is not None:
                _end(process)
        temporal = self.temporal_pid()
        if temporal is not None:
            os.kill(temporal, signal.SIGKILL)
        for pid in self.shim_pids():
            os.kill(pid, signal.SIGKILL)
        self.http.close()

    # --- starting --------------------------------------------------------------------------------

    @property
    def data_dir(self) -> Path:
        return self.directory / "manager"

    def configure(self, settings: Mapping[str, Any]) -> None:
        """The manager's settings file; counts from its next start on."""
        self.data_dir.mkdir(exist_ok=True)
        (self.data_dir / "tablao-manager.yaml").write_text(yaml.safe_dump(dict(settings)))

    def also_set(self, **settings: str) -> None:
        """Add settings for what starts from now on, by the names that the environment has."""
        self._settings |= settings

    def start_manager(self) -> None:
        self.launch_manager()
        self.until_answers()

    def launch_manager(self) -> None:
        """Start it without waiting until it answers."""
        arguments = ["--data-dir", str(self.data_dir), "--port", str(self.port)]
        self.manager = self._start("manager", "manager_api.cli.main", "manager", *arguments)

    def until_answers(self) -> None:
        wait_until(self.answers, 180)

    def answers(self) -> bool:
        """Whether the manager serves HTTP."""
        try:
            return self.http.get("/api/v3/version").status_code == 200
        except httpx.TransportError:
            return False

    def start_host(self, name: str, *arguments: str) -> None:
        self.hosts[name] = self._start(
            name,
            "worker_host.main",
            *("--manager", self.url, "--name", name),
            *("--data-dir", str(self.directory / name), *arguments),
        )

    def start_hosts(self, count: int) -> None:
        for number in range(1, count + 1):
            self.start_host(f"host{number}")
        wait_until(lambda: len(self.awake()) >= count, 180)

    def _start(self, name: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        log = (self.directory / f"{name}.log").open("ab")
        environment = os.environ | self._settings | {"PYTHONUNBUFFERED": "1"}
        environment |= {"LEDGER": str(self.ledger), "OUT": str(self.out)}
        environment["TABLAO_AUTODISCOVERABLE"] = "false"  # a test's farm is for nobody else
        environment["FRAME_S"] = str(self._frame_s)
        return subprocess.Popen(
            [*self.programs.get(module, (sys.executable, "-m", module)), *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self.directory,
        )

    # --- killing ---------------------------------------------------------------------------------

    def kill_manager(self) -> None:
        assert self.manager is not None
        self.manager.kill()
        self.manager.wait()

    def terminate_manager(self) -> None:
        assert self.manager is not None
        self.manager.terminate()
        self.manager.wait(60)

    def terminate_host(self, name: str) -> None:
        self.hosts[name].terminate()
        self.hosts[name].wait(60)

    def kill_host(self, name: str, *, with_shims: bool = False) -> None:
        """SIGKILL; by default the runs' shims live on."""
        self.hosts[name].kill()
        self.hosts[name].wait()
        for pid in self.shim_pids(name) if with_shims else ():
            os.kill(pid, signal.SIGKILL)

    def temporal_pid(self) -> int | None:
        pid = self._temporal_record().get("pid", 0)
        return pid if pid and psutil.pid_exists(pid) else None

    @property
    def temporal_address(self) -> str:
        return f"127.0.0.1:{self._temporal_record()['port']}"

    def _temporal_record(self) -> dict[str, int]:
        try:
            return dict(json.loads((self.data_dir / "temporal" / "temporal.json").read_text()))
        except (OSError, ValueError):
            return {}

    def kill_temporal(self) -> None:
        pid = self.temporal_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    def temporal_away(self, seconds: float) -> None:
        """Temporal answers nothing for so long, and knows nothing of it afterwards."""
        pid = self.temporal_pid()
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        try:
            time.sleep(seconds)  # what the test is about, not what it waits for
        finally:
            os.kill(pid, signal.SIGCONT)

    def shim_pids(self, name: str = "*") -> list[int]:
        """The processes that execute this host's runs now."""
        found = []
        for file in self.directory.glob(f"{name}/runs/*/shim.json"):
            try:
                pid = int(json.loads(file.read_text())["pid"])
                alive = psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
            except (OSError, ValueError, KeyError, psutil.NoSuchProcess):
                continue
            if alive and not (file.parent / "outcome.json").exists():
                found.append(pid)
        return found

    # --- asking ----------------------------------------------------------------------------------

    def awake(self) -> list[dict[str, Any]]:
        workers = self.http.get("/api/v3/worker-mgt/workers").json()["workers"]
        return [worker for worker in workers if worker["status"] == "awake"]

    def submit_frames(self, frames: str, **changes: Any) -> str:
        """A job that renders frames with the stand-in; returns its id."""
        settings = {
            "frames": frames,
            "chunk_size": 1,
            "render_output_root": str(self.out),
            "add_path_components": 0,
            "render_output_path": str(self.out / "######"),
            "blendfile": str(self.blend_file),
            "fps": 0,  # no preview video
            "format": "PNG",
            "image_file_extension": ".png",
            "scene": "",
        }
        return self.submit("simple-blender-render", settings, **changes)

    def submit(self, job_type: str, settings: Mapping[str, Any], **changes: Any) -> str:
        job = {
            "name": "a job of a test",
            "type": job_type,
            "priority": 50,
            "submitter_platform": "linux",
            "settings": dict(settings),
            **changes,
        }
        answer = self.http.post("/api/v3/jobs", json=job)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        return dict(self.http.get(f"/api/v3/jobs/{job_id}").json())

    def tasks(self, job_id: str) -> list[dict[str, Any]]:
        return list(self.http.get(f"/api/v3/jobs/{job_id}/tasks").json()["tasks"])

    def until_job_is(self, job_id: str, *statuses: str, timeout_s: float = 120.0) -> dict[str, Any]:
        def job_if_there() -> dict[str, Any] | None:
            try:
                answer = self.http.get(f"/api/v3/jobs/{job_id}")
            except httpx.TransportError:
                return None
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                return None
            job = dict(answer.json())
            return job if job["status"] in statuses else None

        return wait_until(job_if_there, timeout_s, 0.25)

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Rows of the manager's database, read beside the manager."""
        path = self.data_dir / "tablao.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as database:
            return database.execute(statement, values).fetchall()

    def started(self) -> list[tuple[str, int]]:
        """(frame, pid) of every start of the stand-in, in order."""
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return [(line[1], int(line[2])) for line in lines if line[0] == "start"]

    def start_times(self) -> dict[int, float]:
        """When each frame was started first, in seconds since 1970."""
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return {int(line[1]): float(line[3]) for line in reversed(lines) if line[0] == "start"}

    def ended(self) -> list[tuple[str, int]]:
        lines = [line.split() for line in self.ledger.read_text().splitlines()]
        return [(line[1], int(line[2])) for line in lines if line[0] == "end"]


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
