"""Queries for the runs and leases of hosts."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import FarmRow, LeaseRow, LeaseState, TaskRow
from workflows.domain.messages import RunKey

_LATER_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class KnownTask:
    """What the database knows about the task of a run and about its worker."""

    id: str
    attempt: int
    """The task's newest attempt. The workflow may know a newer one."""
    worker_id: str | None
    """The worker of that attempt."""
    is_lent: bool
    """Whether the asking worker has an open lease for the run."""
    had_lease: bool
    """Whether the database knows any lease of the asking worker for the run."""
    restored: int
    """The number of the database's last restore: runs of smaller numbers are from before it."""


async def known_task(session: AsyncSession, worker_id: str, key: RunKey) -> KnownTask | None:
    lease = select(LeaseRow.id).where(
        LeaseRow.worker_id == worker_id,
        LeaseRow.job_id == key.job_id,
        LeaseRow.run == key.run,
    )
    query = select(
        TaskRow.id,
        TaskRow.attempt,
        TaskRow.worker_id,
        lease.where(LeaseRow.state != LeaseState.RETURNED).exists(),
        lease.exists(),
        select(func.coalesce(func.max(FarmRow.restored), 0)).scalar_subquery(),
    ).where(
        TaskRow.job_id == key.job_id,
        TaskRow.index_in_job == key.index,
        # The database may lag behind the workflow by a few attempts.
        TaskRow.attempt > key.attempt - _LATER_ATTEMPTS,
    )
    found = (await session.execute(query)).one_or_none()
    return None if found is None else KnownTask(*found)


async def leased_runs(session: AsyncSession, worker_id: str) -> set[tuple[str, int]]:
    """Return the (job id, run) pairs for which this worker has an open lease."""
    open_leases = select(LeaseRow.job_id, LeaseRow.run).where(
        LeaseRow.worker_id == worker_id, LeaseRow.state != LeaseState.RETURNED
    )
    return {(job_id, run) for job_id, run in await session.execute(open_leases)}
