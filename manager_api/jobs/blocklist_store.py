"""A job's blocklist in the database. While a job runs, its workflow owns the blocklist."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import JobBlockRow, JobRow, WorkerRow


async def blocklist(session: AsyncSession, job_id: str) -> Sequence[tuple[str, str, str]]:
    """Return (worker id, task type, worker name), sorted by name; includes deleted workers."""
    query = (
        select(JobBlockRow.worker_id, JobBlockRow.task_type, WorkerRow.name)
        .join(WorkerRow, WorkerRow.id == JobBlockRow.worker_id)
        .where(JobBlockRow.job_id == job_id)
        .order_by(WorkerRow.name, JobBlockRow.worker_id, JobBlockRow.task_type)
    )
    return [(worker, task_type, name) for worker, task_type, name in await session.execute(query)]


async def unblock(session: Session, row: JobRow, pairs: Iterable[tuple[str, str]]) -> None:
    """Remove (worker, task type) pairs from the blocklist of an ended job; ignore unknown ones."""
    for worker_id, task_type in pairs:
        await session.execute(
            delete(JobBlockRow).where(
                JobBlockRow.job_id == row.id,
                JobBlockRow.worker_id == worker_id,
                JobBlockRow.task_type == task_type,
            )
        )
