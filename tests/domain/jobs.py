"""Builds job runs for tests, and tells them what workers do."""

from collections.abc import Sequence

from workflows.domain.job.encoding import TaskColumns, encode
from workflows.domain.job.leases import Start
from workflows.domain.job.run import JobRun
from workflows.domain.messages import (
    Census,
    Demand,
    JobSnapshot,
    Lease,
    Limits,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
)
from workflows.domain.statuses import JobStatus, TaskStatus

COMPLETED = Outcome(OutcomeKind.COMPLETED)
FAILED = Outcome(OutcomeKind.FAILED, "exit code 1")
LOST = Outcome(OutcomeKind.LOST, "killed")
CANCELED = Outcome(OutcomeKind.CANCELED)
REFUSED = Outcome(OutcomeKind.REFUSED, "asleep")
SUPERSEDED = Outcome(OutcomeKind.SUPERSEDED)


def columns(
    count: int,
    *,
    depends_on: Sequence[str] = (),
    types: Sequence[str] = (),
    statuses: Sequence[TaskStatus] = (),
    priorities: Sequence[int] = (),
) -> TaskColumns:
    return TaskColumns(
        types=list(types) or ["blender"] * count,
        priorities=list(priorities) or [50] * count,
        depends_on=list(depends_on) or [""] * count,
        statuses=list(statuses) or [TaskStatus.QUEUED] * count,
        attempts=[0] * count,
        failures=[0] * count,
        failed_by=[()] * count,
    )


def job_of(
    tasks: TaskColumns | int,
    *,
    status: JobStatus = JobStatus.QUEUED,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    run: int = 1,
) -> JobRun:
    """A run that has just been claimed."""
    of_count = columns(tasks) if isinstance(tasks, int) else tasks
    job = JobRun(JobSnapshot("job", run, status, 50, encode(of_count), limits=limits))
    job.begin()
    return job


def lease(
    worker: str = "ada",
    *,
    generation: int = 1,
    session: int = 1,
    slot: int = 0,
    run: int = 1,
    types: tuple[str, ...] = ("blender", "ffmpeg"),
    has_deck: bool = False,
) -> Lease:
    name = f"{worker}.{slot}.{generation}"
    return Lease(
        name, worker, worker, session, slot, generation, "job", run, types, has_deck=has_deck
    )


def lend(job: JobRun, *workers: str, generation: int = 1) -> list[Start]:
    """Lends the first slot of each, and returns what starts."""
    job.lend([lease(worker, generation=generation) for worker in workers])
    return started(job)


def started(job: JobRun) -> list[Start]:
    starts = list(job.starts)
    job.starts.clear()
    return starts


def ends(job: JobRun, start: Start, outcome: Outcome = COMPLETED) -> list[Start]:
    """Ends a run, and returns what starts next."""
    job.offer_ended(start.offer, outcome)
    return started(job)


def statuses(job: JobRun) -> list[str]:
    return [str(status) for status in job.tasks.columns.statuses]


def job_status(job: JobRun) -> str:
    """As a word: mypy takes an attribute for unchanged between two assertions."""
    return str(job.status)


def written(job: JobRun) -> ProjectionWrite:
    """Everything that has gathered for the database."""
    return job.next_write()


def retry(job: JobRun, *workers: str, task_type: str = "blender") -> None:
    """The keeper knows nobody else, and the pause is over."""
    job.census(Census(job.demand.version, task_type, allow_retry=workers))
    for pause in list(job.pauses):
        job.pauses.remove(pause)
        job.retry_due(pause)


def wanted(demand: Demand) -> dict[str, int]:
    return {want.task_type: want.count for want in demand.wants}
