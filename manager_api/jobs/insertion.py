"""Stores a new job with all of its tasks, fast enough for 100,000 tasks."""

import asyncio
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from manager_api.database import events
from manager_api.database.bulk import bulk_insert
from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow, OutboxRow, TaskRow, table_of
from manager_api.jobs import history as job_history
from manager_api.jobs.output_store import note_same_output
from workflows.domain.job.ranges import format_ranges
from workflows.domain.job_types.definitions import JOB_TYPE_SAYS, AuthoredTask, CompiledJob
from workflows.domain.outputs import output_digest
from workflows.domain.statuses import TaskStatus

#: Tasks per statement. One statement takes some milliseconds; other coroutines run in between.
CHUNK = 1000


async def insert_job(session: Session, new: CompiledJob) -> JobRow:
    """Store a job, its tasks and the order to start it; append an event to `/jobs`.

    Raises:
        IntegrityError: a job with this id exists already, or the worker tag does not exist.
    """
    now = utc_now()
    row = _job_row(new, now)
    session.add(row)
    await session.flush()
    for first in range(0, len(new.tasks), CHUNK):
        await _insert_tasks(session, new, first, now)
        await asyncio.sleep(0)
    session.add(OutboxRow(job_id=row.id, run=row.run, created=now))
    events.append(session, JOBS, job_event(row))
    job_history.note_job(session, row, now, "Submitted")
    for line in new.job.printed:
        job_history.note_job(session, row, now, f"{JOB_TYPE_SAYS}{line}")
    await note_same_output(session, row)
    session.changed.add(Changed.FARM)
    return row


def _job_row(new: CompiledJob, now: datetime) -> JobRow:
    job = new.job
    return JobRow(
        id=job.job_id,
        name=job.name,
        job_type=job.job_type,
        priority=job.priority,
        status=job.status,
        settings=job.settings,
        job_metadata=job.metadata,
        shaman_checkout_id=job.shaman_checkout_id,
        worker_tag_id=job.worker_tag_id or None,
        output=output_digest(job.settings),
        own_output=output_digest(job.settings) if new.has_own_folder else None,
        created=now,
        updated=now,
        run=1,
        steps_completed=0,
        steps_total=sum(task.steps_total for task in new.tasks),
        task_counts={str(TaskStatus.QUEUED): len(new.tasks)} if new.tasks else {},
    )


async def _insert_tasks(session: Session, new: CompiledJob, first: int, now: datetime) -> None:
    tasks = new.tasks[first : first + CHUNK]
    indexes = range(first + 1, first + len(tasks) + 1)
    job_uuid = UUID(new.job.job_id)
    columns = {
        "index_in_job": indexes,
        "id": [str(uuid5(job_uuid, str(index))) for index in indexes],
        "name": [task.name for task in tasks],
        "task_type": [task.type for task in tasks],
        "priority": [task.priority for task in tasks],
        "commands": [commands_of(task) for task in tasks],
        "depends_on": [depends_on(task) for task in tasks],
        "steps_total": [task.steps_total for task in tasks],
    }
    same = {
        "job_id": new.job.job_id,
        "status": TaskStatus.QUEUED,
        "activity": "",
        "steps_completed": 0,
        "attempt": 0,
        "frames_from": 1,
        "failures": 0,
        "failed_by": [],
        "created": now,
        "updated": now,
    }
    await bulk_insert(session, table_of(TaskRow), columns, same)


def commands_of(task: AuthoredTask) -> list[dict[str, Any]]:
    """Return the task's commands in the format of `TaskRow.commands`."""
    return [command.as_json() for command in task.commands]


def depends_on(task: AuthoredTask) -> str:
    """Return the task's dependencies in the format of `TaskRow.depends_on`."""
    return format_ranges(sorted(set(task.dependencies)))
