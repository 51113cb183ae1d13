"""The artist is told of jobs that end while Blender looks, each once."""

from collections.abc import Sequence

import pytest

from addon.core.job_ends import ended, has_unfinished, sentence
from addon.core.my_jobs import MyJob


def job(name: str, status: str) -> MyJob:
    return MyJob(name, name, status, "type", 50, "", "", "", None)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("active", "completed", "x is completed"),
        ("queued", "failed", "x failed"),
        ("paused", "canceled", ""),
        ("active", "active", ""),
        ("completed", "completed", ""),
        ("failed", "completed", ""),
        (None, "failed", ""),
    ],
)
def test_what_ended_is_told_once(before: "str | None", after: str, told: str) -> None:
    known = [job("x", before)] if before else []

    assert sentence(ended(known, [job("x", after)])) == told


def test_failures_come_first_and_many_are_counted() -> None:
    def all_of(*statuses: str) -> Sequence[MyJob]:
        return [job(f"job {place}", status) for place, status in enumerate(statuses)]

    before = all_of(*["active"] * 6)
    after = all_of("completed", "failed", *["completed"] * 4)

    assert sentence(ended(before, after)) == "job 1 failed, 5 jobs are completed"
    assert sentence([job(str(n), "failed") for n in range(9)]) == "9 jobs failed"


def test_only_jobs_that_go_on_are_watched() -> None:
    assert has_unfinished([job("a", "completed"), job("b", "paused")])
    assert not has_unfinished([job("a", "completed"), job("b", "failed"), job("c", "canceled")])
    assert not has_unfinished([])
