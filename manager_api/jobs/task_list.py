"""A part of a job's tasks at a time: the dashboard shows the first ones before it has all."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.answers import farm_task, task_worker
from manager_api.contract.farm_jobs import FarmTask
from manager_api.database.tables import TaskRow, WorkerRow, table_of
from workflows.domain.statuses import TaskStatus

_TASKS = TypeAdapter(list[FarmTask])


class ListedTask(NamedTuple):
    """The columns of `TaskRow` that the list shows."""

    id: str
    name: str
    status: TaskStatus
    index_in_job: int
    priority: int
    task_type: str
    updated: datetime
    steps_completed: int
    steps_total: int
    worker_id: str | None
    silent_since: datetime | None


_tasks = table_of(TaskRow).c
# Made once, and of columns: to make the query and objects of the mapping costs more than all else.
_QUERY = select(*(_tasks[column] for column in ListedTask._fields)).order_by(_tasks.index_in_job)


async def listed_tasks(
    session: AsyncSession, job_id: str, after: int, limit: int
) -> Sequence[ListedTask]:
    """Return tasks of a job by ascending index; none if the job does not exist.

    Args:
        after: only tasks with a higher index.
        limit: the most tasks.
    """
    query = _QUERY.where(_tasks.job_id == job_id, _tasks.index_in_job > after).limit(limit)
    return [ListedTask._make(row) for row in await session.execute(query)]


def as_json(rows: Sequence[ListedTask], workers: Mapping[str, WorkerRow]) -> bytes:
    """Return the JSON array of the tasks."""
    tasks = [farm_task(row, task_worker(row.worker_id, workers)) for row in rows]
    return _TASKS.dump_json(tasks, exclude_none=True)
