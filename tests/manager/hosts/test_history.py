"""An hour of a machine's statistics is kept, whatever its host says, and no more."""

from typing import Any

import pytest

from manager_api.contract.machine import GpuStatistics, MachineStatistics
from manager_api.workers.machine_history import HostHistory, Sample
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control

BEAT = MachineStatistics(
    cpu_percent=12.6,
    memory_used=3 * 2**30,
    memory_total=12 * 2**30,
    disk_free=10,
    disk_total=40,
    gpus=[GpuStatistics(name="A card", percent=70, memory_used=1, memory_total=8)],
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def history(clock: Clock) -> HostHistory:
    return HostHistory(clock)


def test_a_sample_holds_percentages(history: HostHistory, clock: Clock) -> None:
    history.heard("carmen", BEAT)

    assert history.since("carmen", 3600) == [Sample(clock.now, 13, 25, 75, (70,), (12,))]
    assert history.since("paco", 3600) == []


def test_one_sample_is_kept_of_ten_seconds(history: HostHistory, clock: Clock) -> None:
    for _ in range(13):
        history.heard("carmen", BEAT)
        clock.now += 5

    assert len(history.since("carmen", 3600)) == 7
    assert len(history.since("carmen", 30)) == 3


def test_an_hour_is_kept_and_no_more(history: HostHistory, clock: Clock) -> None:
    for _ in range(500):
        history.heard("carmen", BEAT)
        clock.now += 10

    assert len(history.since("carmen", 1e9)) == 360


def test_a_clock_that_was_set_back_does_not_end_the_samples(
    history: HostHistory, clock: Clock
) -> None:
    history.heard("carmen", BEAT)
    clock.now -= 3600
    history.heard("carmen", BEAT)

    assert len(history.since("carmen", 3600)) == 2


def test_machines_that_are_gone_are_forgotten(history: HostHistory, clock: Clock) -> None:
    history.heard("carmen", BEAT)
    clock.now += 3700
    history.heard("paco", BEAT)
    clock.now -= 3700

    assert history.since("carmen", 3600) == []


@pytest.mark.parametrize(
    "statistics",
    [
        MachineStatistics(),
        MachineStatistics(memory_used=1, memory_total=0, disk_free=5),
        MachineStatistics(memory_total=1, disk_total=5),
    ],
)
def test_a_share_of_what_is_not_known_is_not_known(
    history: HostHistory, clock: Clock, statistics: MachineStatistics
) -> None:
    history.heard("carmen", statistics)

    assert history.since("carmen", 3600) == [Sample(clock.now, None, None, None)]


def test_more_than_all_is_all(history: HostHistory) -> None:
    odd = MachineStatistics(memory_used=5, memory_total=4, disk_free=9, disk_total=8)

    history.heard("carmen", odd)

    [sample] = history.since("carmen", 3600)
    assert (sample.memory_percent, sample.disk_percent) == (100, 0)


async def test_a_beat_is_kept_and_told(manager: Manager) -> None:
    told: list[tuple[str, Any]] = []
    manager.hosts.on_statistics = lambda worker, statistics: told.append((worker, statistics))
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat({"cpu_percent": 3.0}))
        await manager.eventually(lambda: told)

    assert told == [(worker, MachineStatistics(cpu_percent=3.0))]
    assert manager.hosts.history.since(worker, 60)[0].cpu_percent == 3
