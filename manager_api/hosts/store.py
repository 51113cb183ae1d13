"""Queries for the runs and leases of hosts."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import LeaseRow, LeaseState, TaskRow
from workflows.domain.messages import RunKey

_LATER_ATTEMPTS = 10


async def task_of_run(session: AsyncSession, worker_id: str, key: RunKey) -> str | None:
    """Return the id of a run's task.

    Returns:
        None: the worker never had a lease for that run, or the task is far from that attempt.
    """
    lease = select(LeaseRow.id).where(
        LeaseRow.worker_id == worker_id,
        LeaseRow.job_id == key.job_id,
        LeaseRow.run == key.run,
    )
    task = select(TaskRow.id).where(
        TaskRow.job_id == key.job_id,
        TaskRow.index_in_job == key.index,
        # The database may lag behind the workflow by a few attempts.
        TaskRow.attempt > key.attempt - _LATER_ATTEMPTS,
        (TaskRow.worker_id == worker_id) | lease.exists(),
    )
    found: str | None = await session.scalar(task)
    return found


async def leased_runs(session: AsyncSession, worker_id: str) -> set[tuple[str, int]]:
    """Return the (job id, run) pairs for which this worker has an open lease."""
    open_leases = select(LeaseRow.job_id, LeaseRow.run).where(
        LeaseRow.worker_id == worker_id, LeaseRow.state != LeaseState.RETURNED
    )
    return {(job_id, run) for job_id, run in await session.execute(open_leases)}
