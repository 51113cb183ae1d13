"""A job's blocklist in the database; that of a job that runs is its workflow's."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import JobBlockRow, JobRow, WorkerRow


async def blocklist(session: AsyncSession, job_id: str) -> Sequence[tuple[str, str, str]]:
    """(worker id, task type, worker name), by name; deleted workers, too."""
    query = (
        select(JobBlockRow.worker_id, JobBlockRow.task_type, WorkerRow.name)
        .join(WorkerRow, WorkerRow.id == JobBlockRow.worker_id)
        .where(JobBlockRow.job_id == job_id)
        .order_by(WorkerRow.name, JobBlockRow.worker_id, JobBlockRow.task_type)
    )
    return [(worker, task_type, name) for worker, task_type, name in await session.execute(query)]


async def unblock(session: Session, row: JobRow, pairs: Iterable[tuple[str, str]]) -> None:
    """Takes (worker, task type) pairs off the list of an ended job, where they are on it."""
    for worker_id, task_type in pairs:
        await session.execute(
            delete(JobBlockRow).where(
                JobBlockRow.job_id == row.id,
                JobBlockRow.worker_id == worker_id,
                JobBlockRow.task_type == task_type,
            )
        )
