"""An hour of a machine's statistics is kept, whatever its host says, and no more."""

from typing import Any

import pytest

from manager_api.workers.machine_history import HostHistory, Sample
from workflows.domain import control

BEAT = {
    "cpu_percent": 12.6,
    "memory_used": 3 * 2**30,
    "memory_total": 12 * 2**30,
    "disk_free": 10,
    "disk_total": 40,
    "gpus": [{"name": "A card", "percent": 70, "memory_used": 1, "memory_total": 8}],
}


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
    "told",
    [
        {},
        {"cpu_percent": "much", "memory_used": 1, "memory_total": 0, "disk_free": True},
        {"cpu_percent": None, "gpus": "none", "disk_total": []},
        {"gpus": [3, None]},
    ],
)
def test_what_is_no_number_is_not_known(history: HostHistory, clock: Clock, told: Any) -> None:
    history.heard("carmen", told)

    assert history.since("carmen", 3600) == [Sample(clock.now, None, None, None)]


@pytest.mark.parametrize("absurd", [float("nan"), float("inf"), -5, 1e300])
def test_absurd_numbers_stay_percentages(history: HostHistory, absurd: float) -> None:
    history.heard("carmen", {"cpu_percent": absurd, "gpus": [{"percent": absurd}] * 99})

    [sample] = history.since("carmen", 3600)
    assert sample.cpu_percent in range(101)
    assert len(sample.gpu_percents) == 16


async def test_a_beat_is_kept_and_told(manager: Any) -> None:
    told: list[tuple[str, Any]] = []
    manager.hosts.on_statistics = lambda worker, statistics: told.append((worker, statistics))
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat({"cpu_percent": 3.0}))
        await manager.eventually(lambda: told)

    assert told == [(worker, {"cpu_percent": 3.0})]
    assert manager.hosts.history.since(worker, 60)[0].cpu_percent == 3
