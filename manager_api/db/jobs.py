"""Jobs: submission, queries, and what is asked of a job besides its workflow."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.engine import Session
from manager_api.db.tables import JobRow
from workflows.domain.messages import Change
from workflows.domain.statuses import JobStatus


class NotEnded(Exception):
    """The job's run still owns it; ask its workflow."""


@dataclass(frozen=True, slots=True)
class NewTask:
    name: str
    task_type: str
    priority: int
    commands: list[dict[str, Any]]
    """`{name, parameters, total_step_count}` each."""
    depends_on: Sequence[int] = ()
    """Indexes in the same job, 1-based."""


@dataclass(frozen=True, slots=True)
class NewJob:
    id: str
    name: str
    job_type: str
    priority: int
    tasks: Sequence[NewTask]
    status: JobStatus = JobStatus.QUEUED
    activity: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    shaman_checkout_id: str = ""
    worker_tag_id: str | None = None


def task_id(job_id: str, index: int) -> str:
    """A task's UUID follows from its job's and its index: uuid5(job, "index")."""
    raise NotImplementedError


async def insert_job(session: Session, new: NewJob) -> JobRow:
    """Store a job, its tasks and the order to start it; tells `/jobs`."""
    raise NotImplementedError


async def job(session: AsyncSession, job_id: str) -> JobRow | None:
    raise NotImplementedError


async def all_jobs(session: AsyncSession) -> Sequence[JobRow]:
    """Newest first."""
    raise NotImplementedError


async def begin_rerun(session: Session, job_id: str, change: Change | None) -> int:
    """Start an ended job anew with a change; returns the new run's number.

    Raises:
        NotEnded: a run owns the job.
        KeyError: no such job.
    """
    raise NotImplementedError


async def restart_run(session: Session, job_id: str, run: int) -> int | None:
    """Start a run anew from the database, whose workflow is no more (protocol rule 16).

    Returns the new run's number; None when `run` is not the one that owns the job.
    """
    raise NotImplementedError


async def set_priority(session: Session, job_id: str, priority: int) -> None:
    """Of an ended job: a run's priority is set by its workflow."""
    raise NotImplementedError


async def request_delete(session: Session, job_id: str) -> datetime | None:
    """Mark a job for deletion, once; returns when it was first asked for. None: no such job."""
    raise NotImplementedError


async def deletion_requested(session: AsyncSession) -> Sequence[JobRow]:
    """Jobs that are ended and wait for their deletion, oldest request first."""
    raise NotImplementedError


async def delete_job(session: Session, job_id: str) -> bool:
    """Delete the rows of a job and everything below it; tells `/jobs`."""
    raise NotImplementedError


async def blocklist(session: AsyncSession, job_id: str) -> Sequence[tuple[str, str, str]]:
    """(worker id, task type, worker name), by name."""
    raise NotImplementedError
