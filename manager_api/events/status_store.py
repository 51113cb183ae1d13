"""Queries the statuses of jobs and workers, from which the farm's status follows."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import JobRow, WorkerRow
from workflows.domain.statuses import JobStatus, WorkerStatus


async def statuses_in_use(
    session: AsyncSession,
) -> tuple[Sequence[JobStatus], Sequence[WorkerStatus]]:
    """Return the statuses that any job has, and those that any worker has.

    Deleted workers do not count.
    """
    jobs = await session.scalars(select(JobRow.status).distinct())
    workers = select(WorkerRow.status).where(WorkerRow.deleted_at.is_(None)).distinct()
    return jobs.all(), (await session.scalars(workers)).all()
