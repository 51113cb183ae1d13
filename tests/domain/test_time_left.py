"""How long a job still takes, for made-up histories whose ends are known."""

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

import pytest

from workflows.domain.time_left import FEWEST, AtWork, Done, TimeLeft, time_left

#: So many tasks are looked back at, as the manager does.
WINDOW = 24


class Moment(NamedTuple):
    truth_s: float
    told: TimeLeft | None
    done: int


def moments(durations: Sequence[float], workers: int) -> list[Moment]:
    """What is told after each end of a task, and how long the job takes from then on."""
    free = [0.0] * workers
    runs = []
    for duration in durations:
        begins = heapq.heappop(free)
        runs.append((begins, begins + duration))
        heapq.heappush(free, begins + duration)
    runs.sort(key=lambda run: run[1])
    end = runs[-1][1]
    found = []
    for done, (_, now) in enumerate(runs[:-1], start=1):
        ended = [Done(to - since, 1) for since, to in runs[:done]]
        at_work = [AtWork(now - since, 0, 1) for since, to in runs[done:] if since <= now]
        told = time_left(
            ended[-WINDOW:], at_work, steps_left=len(durations) - done, workers=len(at_work)
        )
        found.append(Moment(end - now, told, done))
    return found


def factor(moment: Moment) -> float:
    """How many times the told range is too long or too short; 1 or less within it."""
    assert moment.told is not None
    too_long = moment.told.earliest_s / max(moment.truth_s, 1.0)
    return max(too_long, moment.truth_s / moment.told.latest_s)


Kind = Callable[[Random, int], list[float]]
HISTORIES: dict[str, Kind] = {
    "alike": lambda _, n: [10.0] * n,
    "nearly alike": lambda r, n: [r.gauss(10, 1) for _ in range(n)],
    "many short": lambda r, n: [0.2 + 0.1 * r.random() for _ in range(n)],
    "few long": lambda r, n: [40.0 if r.random() < 0.2 else 5.0 for _ in range(n)],
    "very different": lambda r, n: [r.uniform(2, 20) for _ in range(n)],
    "growing": lambda _, n: [5 + 20 * i / n for i in range(n)],
    "shrinking": lambda _, n: [25 - 20 * i / n for i in range(n)],
}


@pytest.mark.parametrize("kind", HISTORIES)
@pytest.mark.parametrize(("tasks", "workers"), [(20, 1), (60, 3), (300, 8)])
@pytest.mark.parametrize("seed", range(5))
def test_the_range_is_never_wildly_wrong(kind: str, tasks: int, workers: int, seed: int) -> None:
    told = [
        moment
        for moment in moments(HISTORIES[kind](Random(seed), tasks), workers)
        if moment.told is not None and moment.done >= min(WINDOW, tasks // 2)
    ]

    assert told
    assert max(factor(moment) for moment in told) < 4


def test_a_steady_job_is_told_within_a_few_seconds() -> None:
    halfway = moments([10.0] * 60, 3)[29]

    assert halfway.told is not None
    assert halfway.told.earliest_s <= halfway.truth_s <= halfway.told.latest_s
    assert halfway.told.latest_s - halfway.told.earliest_s < 0.3 * halfway.truth_s


def test_growing_times_are_told_longer_than_the_last_ones_say() -> None:
    halfway = moments(HISTORIES["growing"](Random(), 200), 4)[99]

    assert halfway.told is not None
    assert halfway.told.latest_s > halfway.truth_s


def test_workers_that_leave_make_it_longer() -> None:
    done = [Done(10.0, 1)] * 12
    four = time_left(done, [AtWork(5.0, 0, 1)] * 4, steps_left=40, workers=4)
    one = time_left(done, [AtWork(5.0, 0, 1)], steps_left=40, workers=1)

    assert four is not None
    assert one is not None
    assert one.earliest_s > 2.5 * four.latest_s


@pytest.mark.parametrize(
    ("done", "steps_left", "workers"),
    [(FEWEST - 1, 10, 2), (0, 10, 2), (10, 10, 0), (10, 0, 2)],
)
def test_nothing_is_told_that_cannot_be_known(done: int, steps_left: int, workers: int) -> None:
    """Too little has ended; no worker is at it, as in a paused job; nothing is left."""
    assert time_left([Done(5.0, 1)] * done, [], steps_left=steps_left, workers=workers) is None


def test_the_steps_of_one_long_task_tell_its_pace() -> None:
    told = time_left([], [AtWork(100.0, 10, 100)], steps_left=90, workers=1)

    assert told is not None
    assert told.earliest_s <= 900 <= told.latest_s


def test_a_task_that_takes_longer_than_all_before_makes_the_range_longer() -> None:
    done = [Done(2.0, 1)] * 20
    usual = time_left(done, [AtWork(1.0, 0, 1)], steps_left=1, workers=1)
    overdue = time_left(done, [AtWork(60.0, 0, 1)], steps_left=1, workers=1)

    assert usual is not None
    assert usual.latest_s < 5
    assert overdue is not None
    assert overdue.latest_s >= 30


def test_the_range_ends_after_it_begins() -> None:
    for kind in HISTORIES.values():
        for moment in moments(kind(Random(1), 40), 5):
            if moment.told is not None:
                assert 0 <= moment.told.earliest_s <= moment.told.latest_s
