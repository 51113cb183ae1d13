"""Queries for the task of a run: its lease, its commands, and whether its end is recorded."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.bulk import IN_CHUNK
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


async def settled_among(session: AsyncSession, keys: Collection[RunKey]) -> set[RunKey]:
    """Return those tries at a task whose end the database has, or whose task it does not have."""
    known: dict[tuple[str, int], tuple[int, int, TaskStatus]] = {}
    wanted = list({(key.job_id, key.index) for key in keys})
    for first in range(0, len(wanted), IN_CHUNK):
        of_tasks = tuple_(TaskRow.job_id, TaskRow.index_in_job).in_(
            wanted[first : first + IN_CHUNK]
        )
        query = (
            select(TaskRow.job_id, TaskRow.index_in_job, JobRow.run, TaskRow.attempt)
            .add_columns(TaskRow.status)
            .join(JobRow, TaskRow.job_id == JobRow.id)
            .where(of_tasks)
        )
        known |= {
            (row[0], row[1]): (row[2], row[3], row[4]) for row in await session.execute(query)
        }
    return {key for key in keys if _is_settled(key, known.get((key.job_id, key.index)))}


async def is_settled(session: AsyncSession, key: RunKey) -> bool:
    """Return whether the database has the end of this try at a task, or no such task."""
    return key in await settled_among(session, [key])


def _is_settled(key: RunKey, known: tuple[int, int, TaskStatus] | None) -> bool:
    if known is None:
        return True
    run, attempt, status = known
    if (run, attempt) != (key.run, key.attempt):
        # The projection may lag behind the workflow: a newer try than the known one is not over.
        return (run, attempt) > (key.run, key.attempt)
    return status is not TaskStatus.ACTIVE
