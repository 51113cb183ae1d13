"""The active tasks, recent tasks and blocks of workers, with the names of the jobs."""

from collections import defaultdict
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, Select, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from manager_api.database.tables import JobBlockRow, JobRow, LeaseRow, TaskRow

TaskAndJob = Row[TaskRow, str]


async def active_tasks(
    session: AsyncSession, worker_id: str | None = None
) -> defaultdict[str, list[TaskAndJob]]:
    """Return active tasks and their jobs' names, by worker id; without the tasks' commands.

    Args:
        worker_id: return only the tasks of this worker.
    """
    # A literal: with a parameter, SQLite would not use the index of active tasks.
    is_active: ColumnElement[bool] = literal_column("tasks.status = 'active'")
    query = _tasks().where(is_active, TaskRow.worker_id.is_not(None))
    if worker_id is not None:
        query = query.where(TaskRow.worker_id == worker_id)
    found: defaultdict[str, list[TaskAndJob]] = defaultdict(list)
    for row in await session.execute(query.order_by(TaskRow.updated)):
        found[row[0].worker_id or ""].append(row)
    return found


async def lent_workers(session: AsyncSession) -> frozenset[str]:
    """Return the workers that are lent to a job, also between two of its tasks."""
    # A literal: with a parameter, SQLite would not use the index of open leases.
    query = select(LeaseRow.worker_id).where(literal_column("leases.state <> 'returned'"))
    return frozenset(await session.scalars(query))


async def recent_tasks(session: AsyncSession, worker_id: str, limit: int) -> Sequence[TaskAndJob]:
    """Return the worker's tasks that changed last, the latest first; without their commands."""
    query = _tasks().where(TaskRow.worker_id == worker_id)
    return (await session.execute(query.order_by(TaskRow.updated.desc()).limit(limit))).all()


async def blocks_of(
    session: AsyncSession, worker_id: str
) -> Sequence[Row[str, str, str | None, str]]:
    """Return job id, name and owner, and task type, of a worker's blocks, the newest job first."""
    query = (
        select(JobBlockRow.job_id, JobRow.name, JobRow.owner, JobBlockRow.task_type)
        .join(JobRow, JobRow.id == JobBlockRow.job_id)
        .where(JobBlockRow.worker_id == worker_id)
        .order_by(JobRow.created.desc(), JobBlockRow.job_id, JobBlockRow.task_type)
    )
    return (await session.execute(query)).all()


def _tasks() -> Select[TaskRow, str]:
    return (
        select(TaskRow, JobRow.name)
        .join(JobRow, JobRow.id == TaskRow.job_id)
        .options(defer(TaskRow.commands, raiseload=True))
    )
