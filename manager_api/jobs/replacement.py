"""Replaces a job's tasks after its settings changed; a finished task that stays alike is kept."""

import asyncio
import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.bulk import bulk_insert
from manager_api.database.engine import Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobBlockRow, JobRow, TaskRow, table_of
from manager_api.jobs import history as job_history
from manager_api.jobs import store as jobs
from manager_api.jobs.insertion import CHUNK, commands_of, depends_on
from manager_api.jobs.task_moves import sum_up
from manager_api.jobs.task_store import tasks_in_order
from workflows.domain.job_types.definitions import AuthoredTask, CompiledJob
from workflows.domain.outputs import output_digest
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.domain.task_ids import task_id

#: Columns that a kept task takes over, with the values that a new task begins with.
_KEPT: dict[str, Any] = {
    "activity": "",
    "failures": 0,
    "failed_by": [],
    "worker_id": None,
    "last_touched": None,
    "started_at": None,
    "ended_at": None,
    "memory_peak": None,
    "silent_since": None,
}


class _Old(NamedTuple):
    finished: dict[str, list[TaskRow]]
    """Finished tasks by their likeness; see `_likeness`."""
    attempts: dict[int, int]
    """The last attempt's number by task index. A new task with that index counts on from it,
    because logs and hosts tell attempts apart by their number."""


async def replace_tasks(session: Session, row: JobRow, new: CompiledJob, stays_paused: bool) -> int:
    """Replace the tasks of an ended job, order a new run, and append an event to `/jobs`.

    The blocklist and the failures of unfinished tasks are cleared, because the changed settings
    may have removed their cause.

    Args:
        row: the job, locked against other writers.
        stays_paused: order no run; resuming the job will begin one.

    Returns:
        How many tasks stay finished.

    Raises:
        NotEnded: a run owns the job.
        Refused: the job is archived, or its deletion was requested.
    """
    jobs.check_ended(row)
    jobs.check_stays(row)
    if not stays_paused:
        await jobs.begin_run(session, row, None)
    old = await _old_tasks(session, row.id)
    await session.execute(delete(TaskRow).where(TaskRow.job_id == row.id))
    await session.execute(delete(JobBlockRow).where(JobBlockRow.job_id == row.id))
    unfinished = TaskStatus.PAUSED if stays_paused else TaskStatus.QUEUED
    kept = await _insert(session, row, new.tasks, old, unfinished)
    await _tell(session, row, new, JobStatus.PAUSED if stays_paused else JobStatus.QUEUED, kept)
    return kept


async def _old_tasks(session: AsyncSession, job_id: str) -> _Old:
    old = _Old(defaultdict(list), {})
    async for (task,) in tasks_in_order(session, job_id, select(TaskRow)):
        old.attempts[task.index_in_job] = task.attempt
        if task.status is TaskStatus.COMPLETED:
            old.finished[_likeness(task.name, task.task_type, task.commands)].append(task)
        session.expunge(task)
    return old


def _likeness(name: str, task_type: str, commands: list[dict[str, Any]]) -> str:
    return json.dumps([name, task_type, commands], sort_keys=True)


async def _insert(
    session: Session, job: JobRow, tasks: Sequence[AuthoredTask], old: _Old, unfinished: TaskStatus
) -> int:
    """Insert the new tasks; return how many of them stay finished."""
    same = {"job_id": job.id, "created": job.created, "updated": utc_now()}
    kept = 0
    for first in range(0, len(tasks), CHUNK):
        rows = [
            _row(job.id, index, task, old, unfinished)
            for index, task in enumerate(tasks[first : first + CHUNK], first + 1)
        ]
        kept += sum(row["status"] is TaskStatus.COMPLETED for row in rows)
        columns = {name: [row[name] for row in rows] for name in rows[0]}
        await bulk_insert(session, table_of(TaskRow), columns, same)
        await asyncio.sleep(0)
    return kept


def _row(
    job_id: str, index: int, task: AuthoredTask, old: _Old, unfinished: TaskStatus
) -> dict[str, Any]:
    commands, steps = commands_of(task), task.steps_total
    alike = old.finished[_likeness(task.name, task.type, commands)]
    finished = alike.pop(0) if alike else None
    state = _KEPT if finished is None else {name: getattr(finished, name) for name in _KEPT}
    return state | {
        "index_in_job": index,
        "id": task_id(job_id, index),
        "name": task.name,
        "task_type": task.type,
        "priority": task.priority,
        "commands": commands,
        "depends_on": depends_on(task),
        "steps_total": steps,
        "steps_completed": 0 if finished is None else steps,
        "status": unfinished if finished is None else TaskStatus.COMPLETED,
        "attempt": old.attempts.get(index, 0),
        "frames_from": old.attempts.get(index, 0) + 1,
    }


async def _tell(
    session: Session, row: JobRow, new: CompiledJob, status: JobStatus, kept: int
) -> None:
    now = utc_now()
    previous = row.status
    row.settings = new.job.settings
    row.output = output_digest(new.job.settings)
    if row.own_output != row.output:
        row.own_output = None
    row.job_metadata = new.job.metadata
    row.status = status
    row.activity = f"Compiled again with changed settings; {kept} finished tasks were kept"
    row.updated = now
    await sum_up(session, row)
    job_history.note_job(session, row, now)
    told = None if previous is status else previous
    events.append(session, JOBS, job_event(row, previous=told, refresh_tasks=True))
