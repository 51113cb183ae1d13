"""Queries for stuck tasks: those at work whose newest attempt gives no sign of life."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow, TaskRow, table_of


async def stuck(session: AsyncSession, job_id: str) -> Mapping[int, datetime]:
    """Return since when the job's stuck tasks are silent, by index."""
    query = select(TaskRow.index_in_job, TaskRow.silent_since).where(
        TaskRow.job_id == job_id, *_is_stuck()
    )
    return {index: since for index, since in await session.execute(query) if since}


async def stuck_by_job(session: AsyncSession) -> Mapping[str, int]:
    """Return how many tasks are stuck, by job; jobs without such tasks are left out."""
    return Counter(await session.scalars(_JOBS_OF_STUCK))


async def stuck_by_worker(session: AsyncSession) -> Counter[tuple[str, str | None]]:
    """Return how many tasks are stuck, by job and worker."""
    query = select(TaskRow.job_id, TaskRow.worker_id).where(*_is_stuck())
    return Counter((row.job_id, row.worker_id) for row in await session.execute(query))


async def tell_stuck(session: Session, job: JobRow) -> None:
    """Append an event that says how many tasks of the job are stuck."""
    count = len(await stuck(session, job.id))
    events.append(session, JOBS, job_event(job) | {"tasks_stuck": count})


def _is_stuck() -> tuple[ColumnElement[bool], ...]:
    # A literal: with a parameter, SQLite would not use the index of active tasks.
    return literal_column("tasks.status = 'active'"), TaskRow.silent_since.is_not(None)


# Without GROUP BY, for which SQLite would read all tasks in the order of their jobs.
_JOBS_OF_STUCK = select(table_of(TaskRow).c.job_id).where(*_is_stuck())
