"""One job on a farm that is struck in the middle of it, and the evidence of what came of it."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from tests.chaos.cases import Case
from tests.chaos.one_job import QUIET_WITHIN_S, complaints, continued_as_new, task_records
from tests.farm.processes import FarmProcesses, wait_until

ENDED = ("completed", "failed", "canceled")


@dataclass(frozen=True, slots=True)
class Evidence:
    case: str
    job: str
    tasks: int
    completed: int
    failed: int
    starts: int
    run_twice: tuple[str, ...]
    """Frames that were started more than once."""
    running: int
    """How many commands ran when the farm was struck."""
    survived: int
    """How many of their processes came to their own end."""
    attempts: int
    """The most that any task needed."""
    histories: int
    """Of the job's workflow; each but the first by a continue-as-new."""
    seconds: float
    complaints: tuple[str, ...]


def run_case(
    farm: FarmProcesses, case: Case, *, first: int, count: int, timeout_s: float
) -> Evidence:
    """Submit `count` frames from `first` on, strike in the middle, wait, look at everything.

    Frame numbers tell jobs of one farm apart in its ledger.
    """
    frames = [str(frame) for frame in range(first, first + count)]
    began = time.monotonic()
    job_id = farm.submit_frames(f"{frames[0]}-{frames[-1]}")
    before = _running_when_busy(farm, frames)
    case.strike(farm)
    farm.until_job_is(job_id, *ENDED, timeout_s=timeout_s)
    seconds = time.monotonic() - began
    left = _left_when_quiet(farm, job_id)
    records = task_records(farm, job_id)
    starts = Counter(frame for frame, _ in farm.started() if frame in frames)
    statuses = Counter(record.status for record in records)
    return Evidence(
        case=case.name,
        job=job_id,
        tasks=len(records),
        completed=statuses["completed"],
        failed=statuses["failed"],
        starts=starts.total(),
        run_twice=tuple(sorted(frame for frame, times in starts.items() if times > 1)),
        running=len(before),
        survived=len(before & set(farm.ended())),
        attempts=max(record.attempt for record in records),
        histories=1 + continued_as_new(farm, job_id),
        seconds=round(seconds, 1),
        complaints=tuple(left),
    )


def problems(case: Case, evidence: Evidence) -> Iterator[str]:
    """What the farm owes, and did not do."""
    if evidence.completed != evidence.tasks or evidence.failed:
        yield f"{evidence.completed} of {evidence.tasks} completed, {evidence.failed} failed"
    struck = 0 if case.spares_runs else 1
    if len(evidence.run_twice) > struck:
        yield f"frames {', '.join(evidence.run_twice)} ran twice"
    if evidence.survived < evidence.running - struck:
        yield f"{evidence.survived} of {evidence.running} running commands survived"
    if case.spares_runs and evidence.attempts != 1:
        yield f"a task needed {evidence.attempts} attempts"
    yield from evidence.complaints


def _running_when_busy(farm: FarmProcesses, frames: list[str]) -> set[tuple[str, int]]:
    """(frame, pid) of what runs, at a moment when every host works, a quarter being done."""

    def running() -> set[tuple[str, int]] | None:
        ended = set(farm.ended())
        now = {run for run in farm.started() if run not in ended and run[0] in frames}
        is_far_enough = len([run for run in ended if run[0] in frames]) >= len(frames) // 4
        return now if is_far_enough and len(now) == len(farm.hosts) else None

    return wait_until(running, 120, 0.02)


def _left_when_quiet(farm: FarmProcesses, job_id: str) -> list[str]:
    """What is still complained of after a while in which everything should have settled."""
    deadline = time.monotonic() + QUIET_WITHIN_S
    while (left := complaints(farm, job_id)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left
