"""Archived jobs: marked at once, then relieved of their tasks piece by piece.

A mark is safe once its transaction is committed; what is left of it is found by `pending`.
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
    """Marks a job, held against other writers; once."""
    if row.archived_at is None:
        row.archived_at = row.updated = utc_now()
        row.is_archiving = True
        events.append(session, JOBS, job_event(row))
        session.changed.add(Changed.FARM)


async def archived_jobs(session: AsyncSession) -> Sequence[JobRow]:
    """Last archived first."""
    query = (
        select(JobRow)
        .where(JobRow.archived_at.is_not(None))
        .order_by(JobRow.archived_at.desc(), JobRow.id)
    )
    return (await session.scalars(query)).all()


async def existing_archived_job(session: AsyncSession, job_id: str) -> JobRow:
    """Raises:
    JobNotFound: there is no such job, or it is not archived.
    """
    row = await existing_job(session, job_id)
    if row.archived_at is None:
        raise JobNotFound(job_id)
    return row


async def pending(session: AsyncSession) -> Sequence[tuple[str, bool]]:
    """Id, and whether its run has ended, of jobs whose tasks and logs are to go."""
    query = select(JobRow.id, JobRow.is_ended).where(
        JobRow.is_archiving.is_(True), JobRow.delete_requested_at.is_(None)
    )
    return [(job_id, is_ended) for job_id, is_ended in await session.execute(query)]


async def keep_statistics(session: Session, job_id: str, statistics: Mapping[str, Any]) -> None:
    """Those that were counted first stay: later ones would miss tasks that are gone."""
    row = await job_to_change(session, job_id)
    if row is not None and row.statistics is None:
        row.statistics = dict(statistics)


async def drop_some_tasks(session: Session, job_id: str, at_most: int) -> bool:
    """Of an archived job whose statistics are kept; returns whether some are left."""
    row = await job_to_change(session, job_id)
    if row is None or not row.is_archiving or not row.is_ended or row.statistics is None:
        return False
    return await tasks.delete_some(session, job_id, at_most)


async def finish(session: Session, job_id: str) -> None:
    """Its tasks and logs are gone."""
    row = await job_to_change(session, job_id)
    if row is not None and row.is_archiving:
        row.is_archiving = False
        events.append(session, JOBS, job_event(row, refresh_tasks=True))
