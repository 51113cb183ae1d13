"""A farm is backed up while it renders, is killed, and goes on from the backup in another place."""

import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.farm.processes import FarmProcesses, wait_until

FRAMES = 10


class RestoredFarm(FarmProcesses):
    """It has the settings of the backup, and its hosts write where those of the old farm did."""

    def __init__(self, directory: Path, old: FarmProcesses) -> None:
        super().__init__(directory, frame_s=0.5)
        self.ledger, self.out = old.ledger, old.out

    def configure(self, settings: Mapping[str, Any]) -> None:
        pass


def tablao(*arguments: str | Path) -> str:
    command = [sys.executable, "-m", "manager_api.cli.main", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def completed(farm: FarmProcesses, job_id: str) -> set[str]:
    return {task["name"] for task in farm.tasks(job_id) if task["status"] == "completed"}


def test_a_farm_goes_on_elsewhere_from_a_backup_made_while_it_rendered(tmp_path: Path) -> None:
    archive, place = tmp_path / "farm.backup", tmp_path / "elsewhere"
    with FarmProcesses(tmp_path / "farm", frame_s=0.5) as farm:
        farm.start_hosts(1)
        job_id = farm.submit_frames(f"1-{FRAMES}")
        wait_until(lambda: len(completed(farm, job_id)) >= 2)
        known = completed(farm, job_id)

        said = tablao("backup", archive, "--data-dir", farm.data_dir)

        wait_until(lambda: len(completed(farm, job_id)) > len(known))
        farm.kill_manager()
        farm.kill_temporal()
        farm.kill_host("host1", with_shims=True)
        started_before = len(farm.started())

    assert re.search(r"writes waited for \d+ ms", said)
    assert archive.stat().st_mode & 0o777 == 0o600
    tablao("restore", archive, "--data-dir", place / "manager")
    assert (place / "manager" / "database-mark").read_text() == "restored\n"
    with RestoredFarm(place, farm) as restored:
        assert known <= completed(restored, job_id)
        restored.start_hosts(1)
        restored.until_job_is(job_id, "completed")
        tasks = restored.tasks(job_id)
        again = [frame for frame, _ in restored.started()[started_before:]]

    assert len(completed_names := {task["name"] for task in tasks}) == FRAMES
    assert {task["status"] for task in tasks} == {"completed"}
    assert known < completed_names
    rendered = {int(path.stem) for path in farm.out.glob("*.png")}
    assert rendered == set(range(1, FRAMES + 1))
    # What the backup knows as completed is not rendered again, and nothing twice.
    assert len(again) == len(set(again)) <= FRAMES - len(known)
