"""Stores a new job with all of its tasks, fast enough for a hundred thousand of them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from manager_api.database import events
from manager_api.database.bulk import bulk_insert
from manager_api.database.engine import Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import JobRow, OutboxRow, TaskRow, table_of
from manager_api.jobs import history as job_history
from workflows.domain.job.ranges import format_ranges
from workflows.domain.statuses import JobStatus, TaskStatus

#: Tasks per statement: some milliseconds of work between two chances for others to run.
CHUNK = 1000


@dataclass(frozen=True, slots=True)
class NewTask:
    name: str
    task_type: str
    priority: int
    commands: list[dict[str, Any]]
    """`{name, parameters, total_step_count}` each."""
    depends_on: Sequence[int] = ()
    """Indexes in the same job, 1-based."""


@dataclass(frozen=True, slots=True)
class NewJob:
    id: str
    name: str
    job_type: str
    priority: int
    tasks: Sequence[NewTask]
    status: JobStatus = JobStatus.QUEUED
    activity: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    shaman_checkout_id: str = ""
    worker_tag_id: str | None = None


def steps_of(task: NewTask) -> int:
    """A command counts one step at least, as in Flamenco."""
    return sum(max(1, command.get("total_step_count", 0)) for command in task.commands)


async def insert_job(session: Session, new: NewJob) -> JobRow:
    """Store a job, its tasks and the order to start it; tells `/jobs`.

    Raises:
        IntegrityError: there is such a job already, or no such worker tag.
    """
    now = utc_now()
    row = _job_row(new, now)
    session.add(row)
    await session.flush()
    for first in range(0, len(new.tasks), CHUNK):
        await _insert_tasks(session, new, first, now)
        await asyncio.sleep(0)
    session.add(OutboxRow(job_id=new.id, run=row.run, created=now))
    events.append(session, JOBS, job_event(row))
    job_history.note_job(session, row, now, "Submitted")
    session.changed.add(Changed.FARM)
    return row


def _job_row(new: NewJob, now: datetime) -> JobRow:
    return JobRow(
        id=new.id,
        name=new.name,
        job_type=new.job_type,
        priority=new.priority,
        status=new.status,
        activity=new.activity,
        settings=new.settings,
        job_metadata=new.metadata,
        shaman_checkout_id=new.shaman_checkout_id,
        worker_tag_id=new.worker_tag_id,
        created=now,
        updated=now,
        run=1,
        steps_completed=0,
        steps_total=sum(steps_of(task) for task in new.tasks),
    )


async def _insert_tasks(session: Session, new: NewJob, first: int, now: datetime) -> None:
    tasks = new.tasks[first : first + CHUNK]
    indexes = range(first + 1, first + len(tasks) + 1)
    job_uuid = UUID(new.id)
    columns = {
        "index_in_job": indexes,
        "id": [str(uuid5(job_uuid, str(index))) for index in indexes],
        "name": [task.name for task in tasks],
        "task_type": [task.task_type for task in tasks],
        "priority": [task.priority for task in tasks],
        "commands": [task.commands for task in tasks],
        "depends_on": [format_ranges(sorted(set(task.depends_on))) for task in tasks],
        "steps_total": [steps_of(task) for task in tasks],
    }
    same = {
        "job_id": new.id,
        "status": TaskStatus.QUEUED,
        "activity": "",
        "steps_completed": 0,
        "attempt": 0,
        "failures": 0,
        "failed_by": [],
        "created": now,
        "updated": now,
    }
    await bulk_insert(session, table_of(TaskRow), columns, same)
