"""What hosts say of their machines and runs is checked once, where it arrives."""

from typing import Any

import pytest

from manager_api.contract.machine import (
    MOST_GPUS,
    MOST_PROGRAMS,
    MOST_RUNS,
    GpuStatistics,
    MachineStatistics,
    RunProgress,
    RunStatistics,
)
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control

#: As `worker_host.statistics` makes them.
SAID = {
    "cpu_percent": 12.6,
    "cpu_count": 16,
    "load": 3.5,
    "memory_used": 3 * 2**30,
    "memory_total": 12 * 2**30,
    "disk_free": 10,
    "disk_total": 40,
    "gpus": [
        {
            "name": "A card",
            "percent": 70,
            "memory_used": 1,
            "memory_total": 8,
            "temperature_c": 61,
        }
    ],
    "runs": {"a.1.1.1": {"cpu_percent": 420.5, "memory": 2**31}},
    "missing_programs": ["/opt/blender"],
}


def test_what_a_host_says_is_what_is_told() -> None:
    assert MachineStatistics.model_validate(SAID).model_dump(mode="json") == SAID


@pytest.mark.parametrize(
    "absurd", ["much", None, True, [], {}, float("nan"), float("inf"), -5e9, 1e300]
)
def test_what_is_no_number_that_can_be_is_not_known(absurd: Any) -> None:
    said = dict.fromkeys(SAID, absurd) | {"gpus": [{"percent": absurd, "name": 7}]}

    known = MachineStatistics.model_validate(said)

    assert known == MachineStatistics(gpus=[GpuStatistics()])


@pytest.mark.parametrize("absurd", ["many", None, True, 1.5, -(2**40), 2**70])
def test_progress_that_cannot_be_is_not_known(absurd: Any) -> None:
    said = dict.fromkeys(RunProgress.model_fields, absurd)

    assert RunProgress.model_validate(said) == RunProgress()


def test_frames_before_zero_are_known() -> None:
    assert RunProgress.model_validate({"frame": -3, "command": "x"}) == RunProgress(frame=-3)


def test_a_host_cannot_say_more_than_is_remembered() -> None:
    said = {
        "gpus": [3, None, *[{"percent": 1}] * 99],
        "runs": {str(number): {"memory": 1} for number in range(9999)} | {"x" * 999: {}},
        "missing_programs": [7, "x" * 9999, *["/opt/blender"] * 999],
    }

    known = MachineStatistics.model_validate(said)

    assert known.gpus == [GpuStatistics(percent=1)] * MOST_GPUS
    assert len(known.runs) == MOST_RUNS
    assert known.runs["0"] == RunStatistics(memory=1)
    assert known.missing_programs == ["/opt/blender"] * MOST_PROGRAMS


async def test_a_beat_of_nonsense_costs_a_host_nothing_else(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat({"cpu_percent": "much", "gpus": 7}))
        await manager.say(socket, control.Beat({"cpu_percent": 3}))
        await manager.eventually(lambda: manager.hosts.statistics(worker).cpu_percent)

        assert manager.hosts.statistics(worker) == MachineStatistics(cpu_percent=3)
