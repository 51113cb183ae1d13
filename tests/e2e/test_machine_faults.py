"""Faults of a machine on farms of one and three: a real full disk, a Blender that is missing.

One farm that grows: the tests run in the order of this file.
"""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.farm.command_line import tablao
from tests.farm.custom_jobs import ScriptFarm, script
from tests.farm.processes import wait_until
from tests.farm.small_disk import SmallDisk, small_disk

SETTINGS = {"TABLAO_PROBE_EVERY_S": "5", "TABLAO_MIN_FREE_MB": "1"}
TASKS = 38


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallDisk]:
    with small_disk(tmp_path_factory.mktemp("disks") / "host1", size_mb=4) as disk:
        yield disk


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory, disk: SmallDisk) -> Iterator[ScriptFarm]:
    """Tasks write to `$DISKS/$HOST_NAME`; the first host's disk can be filled."""
    settings = {**SETTINGS, "DISKS": str(disk.folder.parent)}
    with ScriptFarm(tmp_path_factory.mktemp("faults") / "farm", settings) as farm:
        farm.start_host("host1", "--task-types", "misc")
        farm.until_awake(1)
        yield farm


def writing(key: str) -> str:
    """A script that notes its host, and writes 20 kB to the host's disk."""
    return (
        f'echo "start $HOST_NAME:{key} $$ 0" >> "$LEDGER"; mkdir -p "$DISKS/$HOST_NAME"; '
        f'head -c 20000 /dev/zero > "$DISKS/$HOST_NAME/{key}"'
    )


def asides(farm: ScriptFarm, name: str) -> list[dict[str, Any]]:
    workers = farm.http.get("/api/tablao/v1/workers").json()["workers"]
    return next(list(each["set_aside"]) for each in workers if each["name"] == name)


def tries(farm: ScriptFarm, host: str, job: str) -> int:
    return sum(1 for text, _ in farm.started() if text.startswith(f"{host}:{job}-"))


def of_many(farm: ScriptFarm, key: str, count: int) -> str:
    return farm.insert(*(script(writing(f"{key}-{number}")) for number in range(count)))


def test_alone_a_job_waits_until_the_disk_has_space(farm: ScriptFarm, disk: SmallDisk) -> None:
    disk.fill()

    job_id = of_many(farm, "alone", TASKS)
    wait_until(lambda: asides(farm, "host1"), 60)

    [aside] = asides(farm, "host1")
    assert aside["cause"] == "disk-full"
    assert aside["reason"].startswith("A disk is full: free some space. (")
    # The host says so before its job has heard of the task.
    wait_until(lambda: {task["status"] for task in farm.tasks(job_id)} == {"queued"}, 60)
    waiting = [farm.task(task["id"])["activity"] for task in farm.tasks(job_id)]
    assert any('a fault of worker "host1": A disk is full' in text for text in waiting)
    shown = tablao(farm, "worker", "show", "host1").out
    assert "A disk is full" in shown

    disk.clear()
    tablao(farm, "worker", "forgive", "host1")

    farm.until_job_is(job_id, "completed")
    assert asides(farm, "host1") == []


def test_of_three_the_broken_one_wastes_a_try(farm: ScriptFarm, disk: SmallDisk) -> None:
    for name in ("host2", "host3"):
        farm.start_host(name, "--task-types", "misc")
    farm.until_awake(3)
    disk.fill()

    job_id = of_many(farm, "three", TASKS)
    job = farm.until_job_is(job_id, "completed")

    assert tries(farm, "host1", "three") == 1
    assert tries(farm, "host2", "three") + tries(farm, "host3", "three") == TASKS
    assert "all tasks completed" in job["activity"]
    blocked = farm.http.get(f"/api/v3/jobs/{job_id}/blocklist").json()
    assert blocked == []
    assert [aside["cause"] for aside in asides(farm, "host1")] == ["disk-full"]


def test_a_host_without_blender_says_so_at_once(farm: ScriptFarm) -> None:
    blender = farm.directory / "stand-in-blender"
    away = blender.rename(farm.directory / "away")
    farm.start_host("host4", "--task-types", "blender,misc")
    farm.until_awake(4)

    # Its hello says it, which the manager stores a moment after the worker is awake.
    [aside] = wait_until(lambda: asides(farm, "host4"))
    assert (aside["cause"], aside["task_types"]) == ("program-missing", ["blender"])
    assert f'"{blender}"' in aside["reason"]

    away.rename(blender)

    wait_until(lambda: not asides(farm, "host4"), 60)
