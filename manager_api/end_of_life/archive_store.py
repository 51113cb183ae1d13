"""Archived jobs: a job is marked at once, then its tasks are deleted in pieces.

Once the transaction of the mark is committed, the work is not forgotten: `pending` finds the jobs
that still have tasks or logs to delete.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import JobNotFound
from manager_api.database import events
from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow
from manager_api.jobs import task_store as tasks
from manager_api.jobs.store import existing_job, job_to_change


def archive(session: Session, row: JobRow) -> None:
    """Mark a locked job as archived; do nothing if it is marked already."""
    if row.archived_at is None:
        row.archived_at = row.updated = utc_now()
        row.is_archiving = True
        events.append(session, JOBS, job_event(row))
        session.changed.add(Changed.FARM)


async def archived_jobs(session: AsyncSession) -> Sequence[JobRow]:
    """Return the archived jobs, the last archived first."""
    query = (
        select(JobRow)
        .where(JobRow.archived_at.is_not(None))
        .order_by(JobRow.archived_at.desc(), JobRow.id)
    )
    return (await session.scalars(query)).all()


async def existing_archived_job(session: AsyncSession, job_id: str) -> JobRow:
    """Return an archived job.

    Raises:
        JobNotFound: there is no such job, or it is not archived.
    """
    row = await existing_job(session, job_id)
    if row.archived_at is None:
        raise JobNotFound(job_id)
    return row


async def pending(session: AsyncSession) -> Sequence[tuple[str, bool]]:
    """Return the jobs whose tasks and logs are to be deleted: id, and whether the run has ended."""
    query = select(JobRow.id, JobRow.is_ended).where(
        JobRow.is_archiving.is_(True), JobRow.delete_requested_at.is_(None)
    )
    return [(job_id, is_ended) for job_id, is_ended in await session.execute(query)]


async def keep_statistics(session: Session, job_id: str, statistics: Mapping[str, Any]) -> None:
    """Store a job's statistics if it has none; later ones would miss tasks that are deleted."""
    row = await job_to_change(session, job_id)
    if row is not None and row.statistics is None:
        row.statistics = dict(statistics)


async def drop_some_tasks(session: Session, job_id: str, at_most: int) -> bool:
    """Delete tasks of an archived job whose statistics are stored; return whether some are left."""
    row = await job_to_change(session, job_id)
    if row is None or not row.is_archiving or not row.is_ended or row.statistics is None:
        return False
    return await tasks.delete_some(session, job_id, at_most)


async def finish(session: Session, job_id: str) -> None:
    """Record that the tasks and logs of an archived job are deleted."""
    row = await job_to_change(session, job_id)
    if row is not None and row.is_archiving:
        row.is_archiving = False
        events.append(session, JOBS, job_event(row, refresh_tasks=True))
