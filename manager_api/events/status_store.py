"""The statuses of jobs and workers, which make the status of the farm."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import JobRow, WorkerRow
from workflows.domain.statuses import JobStatus, WorkerStatus


async def statuses_in_use(
    session: AsyncSession,
) -> tuple[Sequence[JobStatus], Sequence[WorkerStatus]]:
    """The statuses that some job, some worker has; deleted workers do not count."""
    jobs = await session.scalars(select(JobRow.status).distinct())
    workers = select(WorkerRow.status).where(WorkerRow.deleted_at.is_(None)).distinct()
    return jobs.all(), (await session.scalars(workers)).all()
