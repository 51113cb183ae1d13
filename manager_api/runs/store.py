"""Queries for the task of a run: its lease, its commands, and whether its end is recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import JobRow, LeaseRow, LeaseState, TaskRow
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus
from workflows.domain.written_frames import KEEPS_FRAMES

_KEEPS_FRAMES = JobRow.settings[KEEPS_FRAMES].as_boolean()


@dataclass(frozen=True, slots=True)
class TaskOfLease:
    """Identifies a task and the lease that the request for it names."""

    lease_id: str
    job_id: str
    index: int


@dataclass(frozen=True, slots=True)
class LeasedTask:
    """A task, with its job and a lease for that job."""

    lease_worker_id: str
    lease_run: int
    lease_state: LeaseState
    job_run: int
    job_name: str
    job_metadata: dict[str, str]
    keeps_frames: bool | None
    rna_overrides: list[str] | None
    task_id: str
    task_name: str
    task_type: str
    attempt: int
    commands: list[dict[str, Any]]
    steps_total: int
    frames_from: int


async def leased_tasks(
    session: AsyncSession, wanted: Collection[TaskOfLease]
) -> Mapping[TaskOfLease, LeasedTask]:
    """Return the wanted tasks that exist and whose lease exists and is for their job."""
    leases = (
        select(LeaseRow.id, LeaseRow.job_id, LeaseRow.worker_id, LeaseRow.run, LeaseRow.state)
        .add_columns(JobRow.run, JobRow.name, JobRow.job_metadata, _KEEPS_FRAMES)
        .add_columns(JobRow.rna_overrides)
        .join(JobRow, JobRow.id == LeaseRow.job_id)
        .where(LeaseRow.id.in_({each.lease_id for each in wanted}))
    )
    tasks = select(TaskRow.job_id, TaskRow.index_in_job).add_columns(
        TaskRow.id,
        TaskRow.name,
        TaskRow.task_type,
        TaskRow.attempt,
        TaskRow.commands,
        TaskRow.steps_total,
        TaskRow.frames_from,
    )
    tasks = tasks.where(
        tuple_(TaskRow.job_id, TaskRow.index_in_job).in_(
            list({(each.job_id, each.index) for each in wanted})
        )
    )
    by_lease = {(row[0], row[1]): row[2:] for row in await session.execute(leases)}
    by_task = {(row[0], row[1]): row[2:] for row in await session.execute(tasks)}
    return {
        each: LeasedTask(*by_lease[each.lease_id, each.job_id], *by_task[each.job_id, each.index])
        for each in wanted
        if (each.lease_id, each.job_id) in by_lease and (each.job_id, each.index) in by_task
    }


async def is_settled(session: AsyncSession, key: RunKey) -> bool:
    """Return whether the database has the end of this try at a task, or no such task."""
    query = (
        select(JobRow.run, TaskRow.attempt, TaskRow.status)
        .join(TaskRow, TaskRow.job_id == JobRow.id)
        .where(JobRow.id == key.job_id, TaskRow.index_in_job == key.index)
    )
    found = (await session.execute(query)).one_or_none()
    if found is None:
        return True
    run, attempt, status = found
    if (run, attempt) != (key.run, key.attempt):
        # The projection may lag behind the workflow: a newer try than the known one is not over.
        return bool((run, attempt) > (key.run, key.attempt))
    return status is not TaskStatus.ACTIVE
