"""Many jobs are deleted while their manager is killed: none is forgotten, none told of twice."""

import os
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.farm.custom_jobs import NOBODYS, ScriptFarm, holding, script
from tests.farm.processes import wait_until
from workflows.domain.statuses import JobStatus

WAITING = 40


@pytest.fixture
def farm(tmp_path: Path) -> Iterator[ScriptFarm]:
    with ScriptFarm(tmp_path / "farm") as farm:
        farm.start_host("north")
        farm.until_awake(1)
        yield farm


def kill_manager(farm: ScriptFarm) -> None:
    assert farm.manager is not None
    os.kill(farm.manager.pid, signal.SIGKILL)
    farm.manager.wait()


def told_as_deleted(farm: ScriptFarm) -> Counter[str]:
    with sqlite3.connect(f"file:{farm.database_file}?mode=ro", uri=True) as database:
        query = "SELECT payload ->> 'id' FROM events WHERE payload ->> 'was_deleted'"
        return Counter(job_id for (job_id,) in database.execute(query))


def reached_by_others(folder: Path) -> Iterator[Path]:
    """What other users of the machine may open, outside of the shared storage."""
    for path in folder.iterdir():
        if path.name != "storage" and path.stat().st_mode & 0o077:
            yield path
            if path.is_dir():
                yield from reached_by_others(path)


def test_deletions_survive_a_killed_manager(farm: ScriptFarm) -> None:
    ended, _ = farm.job_that_is(JobStatus.COMPLETED)
    running = farm.insert(script(holding("held")))
    farm.until_job_is(running, "active")
    wait_until(lambda: farm.shim_pids("north"))
    waiting = [farm.insert(script("true", task_type=NOBODYS)) for _ in range(WAITING)]
    everything = {running, ended, *waiting}

    farm.http.request(
        "DELETE", "/api/v3/jobs/mass-delete", json={"last_updated_max": "2999-01-01T00:00:00Z"}
    ).raise_for_status()
    kill_manager(farm)
    farm.start_manager()
    wait_until(lambda: len(told_as_deleted(farm)) > WAITING // 4)
    kill_manager(farm)
    farm.start_manager()

    wait_until(lambda: not farm.http.get("/api/v3/jobs").json()["jobs"], 120)
    assert told_as_deleted(farm) == Counter(everything)
    assert list((farm.data_dir / "job-files").rglob("*")) == []
    wait_until(lambda: not farm.shim_pids("north"))
    assert list(reached_by_others(farm.data_dir)) == []
