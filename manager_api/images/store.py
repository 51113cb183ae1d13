"""Queries for the job that rendered last, and for jobs that may have rendered lately."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.payloads import LAST_RENDERED, last_rendered_topic
from manager_api.database.tables import FarmRow, JobRow, LeaseRow, LeaseState, TaskRow, table_of
from manager_api.jobs.store import job_to_change
from workflows.domain.statuses import JobStatus, TaskStatus

_jobs = table_of(JobRow).c


@dataclass(frozen=True, slots=True)
class TaskOfImage:
    """The task that a sent image is for, and the right of the worker that sent it."""

    job_id: str
    is_lent: bool
    """Whether the worker has an open lease for the job."""
    worker_id: str | None
    """The last worker that was given the task."""
    is_active: bool
    ended_at: datetime | None


async def task_of_image(session: AsyncSession, task_id: str, worker_id: str) -> TaskOfImage | None:
    lease = select(LeaseRow.id).where(
        LeaseRow.worker_id == worker_id,
        LeaseRow.job_id == TaskRow.job_id,
        LeaseRow.state != LeaseState.RETURNED,
    )
    query = select(
        TaskRow.job_id,
        lease.exists(),
        TaskRow.worker_id,
        TaskRow.status == TaskStatus.ACTIVE,
        TaskRow.ended_at,
    ).where(TaskRow.id == task_id)
    found = (await session.execute(query)).one_or_none()
    return None if found is None else TaskOfImage(*found)


class ChangedJob(NamedTuple):
    id: str
    name: str
    status: JobStatus


async def lately_changed(session: AsyncSession, limit: int) -> Sequence[ChangedJob]:
    """Return jobs, the last changed first."""
    query = select(*(_jobs[column] for column in ChangedJob._fields))
    newest = query.order_by(_jobs.updated.desc(), _jobs.id).limit(limit)
    return [ChangedJob._make(row) for row in await session.execute(newest)]


async def last_rendered_job(session: AsyncSession) -> str | None:
    return await session.scalar(select(FarmRow.last_rendered_job_id))


async def set_last_rendered(session: Session, job_id: str, base: str, suffixes: list[str]) -> bool:
    """Record the job as the last that rendered; return False if it is deleted or being deleted.

    Append an event to `/jobs/<job>/last-rendered`, then one to `/last-rendered`.
    """
    job = await job_to_change(session, job_id)
    if job is None or job.delete_requested_at is not None:
        return False
    await session.execute(update(FarmRow).values(last_rendered_job_id=job_id))
    payload = {"job_id": job_id, "thumbnail": {"base": base, "suffixes": suffixes}}
    events.append(session, last_rendered_topic(job_id), payload)
    events.append(session, LAST_RENDERED, payload)
    return True
