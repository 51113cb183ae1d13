"""Reads a job's task table in compact form for a claim, and takes one over from a workflow."""

import asyncio
from collections import defaultdict
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.bulk import IN_CHUNK
from manager_api.database.tables import JobRow, TaskRow, table_of
from manager_api.jobs.task_moves import steps_set_by, sum_up
from manager_api.jobs.task_store import tasks_in_order
from manager_api.runs import http_store as http_runs
from workflows.domain.job.encoding import TaskColumns, decode, encode
from workflows.domain.job.task_names import encode_names
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus

_TASKS = table_of(TaskRow)
TAKEN_OVER = "Corrected from the job's workflow: the database had missed a change"


async def read_compact(session: AsyncSession, job_id: str) -> str:
    """Return the job's tasks, encoded as `workflows.domain.job.encoding` describes."""
    query = select(
        TaskRow.task_type,
        TaskRow.priority,
        TaskRow.depends_on,
        TaskRow.status,
        TaskRow.attempt,
        TaskRow.failures,
        TaskRow.failed_by,
    )
    columns = TaskColumns()
    async for row in tasks_in_order(session, job_id, query):
        columns.types.append(row.task_type)
        columns.priorities.append(row.priority)
        columns.depends_on.append(row.depends_on)
        columns.statuses.append(row.status)
        columns.attempts.append(row.attempt)
        columns.failures.append(row.failures)
        columns.failed_by.append(tuple(row.failed_by))
    return await asyncio.to_thread(encode, columns)


async def read_names(session: AsyncSession, job_id: str) -> str:
    """Return the names of the job's tasks, as `workflows.domain.job.task_names` describes."""
    rows = tasks_in_order(session, job_id, select(TaskRow.name))
    return await asyncio.to_thread(encode_names, [row.name async for row in rows])


async def take_over(session: AsyncSession, job: JobRow, compact: str, now: datetime) -> bool:
    """Set the tasks to the workflow's state; return False if no task differed from it."""
    columns = await asyncio.to_thread(decode, compact)
    for key in await http_runs.on_offer(session, job.id):
        _take_back(columns, key)
    changes = await _differences(session, job.id, columns)
    for status, rows in changes.items():
        statement = (
            update(_TASKS)
            .where(_TASKS.c.job_id == job.id, _TASKS.c.index_in_job == bindparam("index"))
            .values(
                status=status,
                attempt=bindparam("new_attempt"),
                failures=bindparam("new_failures"),
                failed_by=bindparam("new_failed_by"),
                activity=TAKEN_OVER,
                updated=now,
                **steps_set_by(status),
            )
        )
        for first in range(0, len(rows), IN_CHUNK):
            await session.execute(statement, rows[first : first + IN_CHUNK])
    if changes:
        await sum_up(session, job)
    return bool(changes)


def _take_back(columns: TaskColumns, offered: RunKey) -> None:
    """Let a task wait that is on offer: it becomes active when its worker fetches it."""
    at = offered.index - 1
    is_active = columns.statuses[at] is TaskStatus.ACTIVE
    if is_active and columns.attempts[at] == offered.attempt:
        columns.statuses[at] = TaskStatus.QUEUED


async def _differences(
    session: AsyncSession, job_id: str, columns: TaskColumns
) -> dict[TaskStatus, list[dict[str, Any]]]:
    """Return the tasks that differ from the workflow's state, by the status that they get."""
    query = select(TaskRow.status, TaskRow.attempt, TaskRow.failures, TaskRow.failed_by)
    known = zip(
        columns.statuses, columns.attempts, columns.failures, columns.failed_by, strict=True
    )
    numbered = enumerate(known, 1)
    changes: dict[TaskStatus, list[dict[str, Any]]] = defaultdict(list)
    async for row in tasks_in_order(session, job_id, query):
        index, is_now = next(numbered, (0, None))
        if is_now is None:
            break  # the workflow's table has fewer tasks; leave the rest as they are
        status, attempt, failures, failed_by = is_now
        if is_now != (row.status, row.attempt, row.failures, tuple(row.failed_by)):
            changes[status].append(
                {
                    "index": index,
                    "new_attempt": attempt,
                    "new_failures": failures,
                    "new_failed_by": list(failed_by),
                }
            )
    return changes
