"""Whose a run is, and what it is to do."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.tables import JobRow, LeaseRow, LeaseState, TaskRow
from workflows.domain.messages import RunKey


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task of a job that somebody has a lease for, and that lease."""

    lease_worker_id: str
    lease_run: int
    lease_state: LeaseState
    job_run: int
    job_name: str
    task_id: str
    task_name: str
    task_type: str
    attempt: int
    commands: list[dict[str, Any]]
    steps_total: int


async def leased_task(session: AsyncSession, lease_id: str, key: RunKey) -> LeasedTask | None:
    """None if there is no such lease for this job, or no such task in it."""
    query = (
        select(
            LeaseRow.worker_id,
            LeaseRow.run,
            LeaseRow.state,
            JobRow.run,
            JobRow.name,
            TaskRow.id,
            TaskRow.name,
            TaskRow.task_type,
            TaskRow.attempt,
            TaskRow.commands,
            TaskRow.steps_total,
        )
        .join(JobRow, JobRow.id == LeaseRow.job_id)
        .join(TaskRow, TaskRow.job_id == LeaseRow.job_id)
        .where(
            LeaseRow.id == lease_id,
            LeaseRow.job_id == key.job_id,
            TaskRow.index_in_job == key.index,
        )
    )
    row = (await session.execute(query)).one_or_none()
    return None if row is None else LeasedTask(*row)
