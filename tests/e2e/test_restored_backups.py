"""Both databases, the farm's and Temporal's, are copied and put back while a host lives on."""

import shutil
from collections import Counter
from pathlib import Path

import httpx

from tests.farm.processes import FarmProcesses, wait_until

FRAMES = 3


def test_putting_both_databases_back_twice_repeats_no_run_and_loses_no_log(tmp_path: Path) -> None:
    with FarmProcesses(tmp_path / "farm", frame_s=0.5) as farm:
        farm.start_hosts(1)
        job_id = farm.submit_frames(f"1-{FRAMES}")
        wait_until(lambda: len(farm.ended()) >= 1)
        farm.terminate_manager()
        databases = _copied(farm.data_dir, tmp_path / "backup")
        farm.start_manager()
        farm.until_job_is(job_id, "completed")

        runs = [_run(farm, job_id)]
        for _ in range(2):
            farm.terminate_manager()
            _put_back(databases, farm.data_dir)
            farm.start_manager()
            farm.until_job_is(job_id, "completed")
            runs.append(_run(farm, job_id))

        assert runs == sorted(set(runs))
        rendered = Counter(frame for frame, _ in farm.started())
        assert sum(rendered.values()) > FRAMES  # what was put back was rendered once more
        wait_until(lambda: _logged(farm, job_id) == rendered)


def _copied(data_dir: Path, backup: Path) -> Path:
    """What belongs to the databases; logs, and the manager's note of its mark, do not."""
    backup.mkdir()
    for file in data_dir.glob("tablao.sqlite*"):
        shutil.copy(file, backup)
    shutil.copytree(data_dir / "temporal", backup / "temporal")
    return backup


def _put_back(backup: Path, data_dir: Path) -> None:
    for file in data_dir.glob("tablao.sqlite*"):
        file.unlink()
    shutil.rmtree(data_dir / "temporal")
    shutil.copytree(backup, data_dir, dirs_exist_ok=True)


def _run(farm: FarmProcesses, job_id: str) -> int:
    [(run,)] = farm.query("SELECT run FROM jobs WHERE id = ?", job_id)
    return int(run)


def _logged(farm: FarmProcesses, job_id: str) -> Counter[str]:
    """How often the beginning of each frame stands in its task's log."""
    found: Counter[str] = Counter()
    for task in farm.tasks(job_id):
        log = farm.http.get(f"/api/v3/tasks/{task['id']}/log").json()
        text = httpx.get(f"{farm.url}{log['url']}").text
        for frame in range(1, FRAMES + 1):
            if count := text.count(f"Fra:{frame} "):
                found[str(frame)] += count
    return found
