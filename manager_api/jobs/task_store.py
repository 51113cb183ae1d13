"""Queries for tasks, and the progress that hosts report without the workflow."""

from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import defer

from manager_api.contract.errors import TaskNotFound
from manager_api.database import events, happenings
from manager_api.database.bulk import IN_CHUNK
from manager_api.database.engine import Session, utc_now
from manager_api.database.payloads import JOBS, job_event, task_event, topic_of_job
from manager_api.database.tables import JobHistoryRow, JobRow, TaskRow, WorkerRow, table_of
from manager_api.jobs.store import job_to_change
from manager_api.jobs.stuck_store import tell_stuck
from workflows.domain.messages import RunKey
from workflows.domain.notifications import HappeningKind
from workflows.domain.statuses import WAITING, TaskStatus
from workflows.domain.task_ids import task_id as task_id_of

#: Tasks per query when all tasks of a job are read.
READ_CHUNK = 1000
#: The most tasks whose reasons, or warnings, are grouped.
MOST_ACTIVITIES = 10_000


_tasks = table_of(TaskRow).c
# Made once, because HTTP workers report all the time.
_SET_ACTIVITY = (
    update(table_of(TaskRow))
    .where(_tasks.job_id == bindparam("job"), _tasks.index_in_job == bindparam("task"))
    .values(activity=bindparam("text"), last_touched=bindparam("now"))
)


class SummaryRow(NamedTuple):
    """The columns of `TaskRow` that a list of tasks shows."""

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


class TimedRow(NamedTuple):
    """How long a completed task took."""

    index_in_job: int
    worker_id: str | None
    steps_total: int
    started_at: datetime
    ended_at: datetime
    memory_peak: int | None

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


async def tasks_of_job(session: AsyncSession, job_id: str) -> Sequence[TaskRow]:
    """Return a job's tasks without commands, in the order in which the job type made them.

    The list is empty if the job does not exist.
    """
    query = select(TaskRow).options(defer(TaskRow.commands, raiseload=True))
    return [row async for (row,) in tasks_in_order(session, job_id, query)]


async def tasks_with_commands(session: AsyncSession, job_id: str) -> Sequence[TaskRow]:
    """Return a job's tasks as `tasks_of_job` does, with commands, which take most of the memory."""
    return [row async for (row,) in tasks_in_order(session, job_id, select(TaskRow))]


async def summary_rows(session: AsyncSession, job_id: str) -> AsyncIterator[Sequence[SummaryRow]]:
    """Yield what a list of a job's tasks shows, in pieces; nothing if the job does not exist."""
    query = select(*(_tasks[column] for column in SummaryRow._fields))
    async for rows in _pieces(session, job_id, query):
        yield [SummaryRow._make(row) for row in rows]


async def completed_times(session: AsyncSession, job_id: str) -> Sequence[TimedRow]:
    query = select(
        TaskRow.index_in_job,
        TaskRow.worker_id,
        TaskRow.steps_total,
        TaskRow.started_at,
        TaskRow.ended_at,
        TaskRow.memory_peak,
    ).where(
        TaskRow.status == TaskStatus.COMPLETED,
        TaskRow.started_at.is_not(None),
        TaskRow.ended_at.is_not(None),
    )
    return [TimedRow(*row) async for row in tasks_in_order(session, job_id, query)]


async def active_indexes(session: AsyncSession, job_id: str) -> Sequence[int]:
    """Return the indexes of the job's active tasks, in ascending order."""
    query = select(TaskRow.index_in_job).where(
        TaskRow.job_id == job_id, TaskRow.status == TaskStatus.ACTIVE
    )
    return sorted(await session.scalars(query))


async def unfinished(
    session: AsyncSession, job_id: str, indexes: Collection[int], most: int
) -> tuple[int, Sequence[str]]:
    """Return how many of these tasks are not completed, and the names of the first `most`."""
    query = select(TaskRow.index_in_job).where(
        TaskRow.job_id == job_id, TaskRow.status != TaskStatus.COMPLETED
    )
    found = sorted(set(indexes).intersection(await session.scalars(query)))
    names = (
        select(TaskRow.name)
        .where(TaskRow.job_id == job_id, TaskRow.index_in_job.in_(found[:most]))
        .order_by(TaskRow.index_in_job)
    )
    return len(found), (await session.scalars(names)).all()


async def last_reasons(session: AsyncSession, job_id: str) -> Sequence[tuple[int, str]]:
    """Return index and activity of tasks at their last failure, and of those that wait.

    Tasks that failed and have not completed since are taken from the job's history: they may have
    been canceled when the job failed. Waiting tasks may have been given back because of a fault of
    a machine.
    """
    of_job = TaskRow.job_id == job_id
    waiting = select(TaskRow.index_in_job, TaskRow.activity).where(
        of_job, TaskRow.status.in_(WAITING), TaskRow.failures == 0, TaskRow.activity != ""
    )
    unhappy = select(TaskRow.index_in_job).where(
        of_job, TaskRow.failures > 0, TaskRow.status != TaskStatus.COMPLETED
    )
    failed = (
        select(JobHistoryRow.task_index, JobHistoryRow.text)
        .where(JobHistoryRow.job_id == job_id, JobHistoryRow.task_index.in_(unhappy))
        .order_by(JobHistoryRow.id.desc())
        .limit(MOST_ACTIVITIES)
    )
    found: dict[int, str] = {}
    for index, text in await session.execute(failed):
        if index is not None:
            found.setdefault(index, text)
    in_order = waiting.order_by(TaskRow.index_in_job).limit(MOST_ACTIVITIES)
    return sorted([*found.items(), *((i, text) for i, text in await session.execute(in_order))])


async def warnings_of_job(
    session: AsyncSession, job_id: str
) -> Sequence[tuple[int, list[list[Any]]]]:
    """Return index and warnings of the tasks that have any, in their order."""
    query = (
        select(TaskRow.index_in_job, TaskRow.warnings)
        .where(TaskRow.job_id == job_id, TaskRow.warnings.is_not(None))
        .order_by(TaskRow.index_in_job)
        .limit(MOST_ACTIVITIES)
    )
    return [(row.index_in_job, row.warnings) for row in await session.execute(query)]


async def count_of_job(session: AsyncSession, job_id: str) -> int:
    query = select(func.count()).select_from(TaskRow).where(TaskRow.job_id == job_id)
    return await session.scalar(query) or 0


async def tasks_in_order(
    session: AsyncSession, job_id: str, query: Select[*tuple[Any, ...]]
) -> AsyncIterator[Row[*tuple[Any, ...]]]:
    """Yield the columns that `query` selects, for each task of a job, by ascending index."""
    async for rows in _pieces(session, job_id, query):
        for row in rows:
            yield row


async def _pieces(
    session: AsyncSession, job_id: str, query: Select[*tuple[Any, ...]]
) -> AsyncIterator[Sequence[Row[*tuple[Any, ...]]]]:
    """Yield rows in pieces, because 100,000 at once would block the event loop for seconds."""
    after = 0
    of_job = query.where(TaskRow.job_id == job_id).order_by(TaskRow.index_in_job)
    while True:
        last = after + READ_CHUNK
        piece = of_job.where(TaskRow.index_in_job > after, TaskRow.index_in_job <= last)
        rows = (await session.execute(piece)).all()
        yield rows
        if len(rows) < READ_CHUNK:
            return
        after = last


async def task(session: AsyncSession, task_id: str) -> TaskRow | None:
    return await session.scalar(select(TaskRow).where(TaskRow.id == task_id))


async def existing_task(session: AsyncSession, task_id: str) -> TaskRow:
    """Return the task.

    Raises:
        TaskNotFound: there is no such task.
    """
    row = await task(session, task_id)
    if row is None:
        raise TaskNotFound(task_id)
    return row


async def existing_task_of_job(session: AsyncSession, job_id: str, index: int) -> TaskRow:
    """Return the job's task with this index.

    Raises:
        TaskNotFound: the job has no such task.
    """
    row = await session.get(TaskRow, (job_id, index))
    if row is None:
        raise TaskNotFound(task_id_of(job_id, index))
    return row


async def tasks_by_index(
    session: AsyncSession, job_id: str, indexes: Sequence[int]
) -> dict[int, TaskRow]:
    """Return tasks without commands, by index; indexes that the job does not have are missing."""
    found: dict[int, TaskRow] = {}
    for first in range(0, len(indexes), IN_CHUNK):
        query = (
            select(TaskRow)
            .where(
                TaskRow.job_id == job_id,
                TaskRow.index_in_job.in_(indexes[first : first + IN_CHUNK]),
            )
            .options(defer(TaskRow.commands, raiseload=True))
            .execution_options(populate_existing=True)
        )
        found.update((row.index_in_job, row) for row in await session.scalars(query))
    return found


async def existing(session: AsyncSession, task_ids: Collection[str]) -> set[str]:
    """Return the ids of those tasks that exist."""
    found: set[str] = set()
    ids = list(task_ids)
    for first in range(0, len(ids), IN_CHUNK):
        query = select(TaskRow.id).where(TaskRow.id.in_(ids[first : first + IN_CHUNK]))
        found.update(await session.scalars(query))
    return found


async def raise_attempts(session: Session, job_id: str, attempts: Mapping[str, int]) -> None:
    """Raise the tasks' attempt numbers, so that no attempt number is used twice.

    Args:
        attempts: the newest attempt's number, by task id; lower numbers change nothing.
    """
    table = table_of(TaskRow)
    statement = (
        update(table)
        .where(table.c.job_id == job_id, table.c.id == bindparam("task"))
        .where(table.c.attempt < bindparam("newest"))
        .values(attempt=bindparam("newest"))
    )
    rows = [{"task": task_id, "newest": attempt} for task_id, attempt in attempts.items()]
    for first in range(0, len(rows), IN_CHUNK):
        await session.execute(statement, rows[first : first + IN_CHUNK])


async def set_steps(session: Session, job_id: str, index: int, steps_completed: int) -> bool:
    """Store a task's progress; return False if nothing changed. See `set_steps_of_many`."""
    return await set_steps_of_many(session, job_id, {index: steps_completed}) > 0


async def set_steps_of_many(session: Session, job_id: str, steps: Mapping[int, int]) -> int:
    """Store the progress of active tasks and the sum in their job; return how many tasks changed.

    Append an event to `/jobs`, then one event per changed task to `/jobs/<job>`.

    Args:
        steps: completed steps by task index; clamped to the range from 0 to the task's total.
    """
    job = await job_to_change(session, job_id)
    if job is None:
        return 0
    rows = await tasks_by_index(session, job_id, sorted(steps))
    changed = {}
    for index, row in rows.items():
        if row.status is not TaskStatus.ACTIVE:
            continue  # a late report of an attempt whose end is recorded
        clamped = max(0, min(steps[index], row.steps_total))
        if clamped != row.steps_completed:
            changed[row] = clamped
    if changed:
        await _store_steps(session, job, changed)
    return len(changed)


async def _store_steps(session: Session, job: JobRow, changed: Mapping[TaskRow, int]) -> None:
    now = utc_now()
    for row, steps in changed.items():
        job.steps_completed += steps - row.steps_completed
        row.steps_completed = steps
        row.updated = row.last_touched = now
    job.updated = now
    names = await worker_names(session, {row.worker_id for row in changed})
    events.append(session, JOBS, job_event(job))
    for row in changed:
        payload = task_event(row, names.get(row.worker_id or ""))
        events.append(session, topic_of_job(job.id), payload)


async def set_memory_peaks(
    session: Session, job_id: str, peaks: Mapping[int, tuple[int, int]]
) -> None:
    """Store the peak memory of the tasks' newest attempts, ended ones included; without events.

    Args:
        peaks: (attempt number, bytes) by task index. An attempt other than the task's newest is
            ignored.
    """
    if await job_to_change(session, job_id) is None:
        return
    for index, row in (await tasks_by_index(session, job_id, sorted(peaks))).items():
        attempt, peak = peaks[index]
        if attempt == row.attempt:
            row.memory_peak = max(peak, row.memory_peak or 0)


async def set_silences(session: Session, silences: Mapping[RunKey, datetime | None]) -> None:
    """Store since when runs are silent; None for a run that is not.

    Append an event for each task, and one for each job.

    A run other than the newest attempt of an active task is ignored.
    """
    by_job: defaultdict[str, dict[int, RunKey]] = defaultdict(dict)
    for key in sorted(silences):
        by_job[key.job_id][key.index] = key
    for job_id, keys in by_job.items():
        job = await job_to_change(session, job_id)
        if job is None:
            continue
        rows = await tasks_by_index(session, job_id, sorted(keys))
        names = await worker_names(session, {row.worker_id for row in rows.values()})
        is_changed = False
        for index, row in rows.items():
            key = keys[index]
            is_newest = row.status is TaskStatus.ACTIVE and row.attempt == key.attempt
            if is_newest and row.silent_since != silences[key]:
                row.silent_since, row.updated = silences[key], utc_now()
                payload = task_event(row, names.get(row.worker_id or ""))
                events.append(session, topic_of_job(job_id), payload)
                if row.silent_since is not None:
                    happenings.note_of_job(
                        session,
                        HappeningKind.JOB_STUCK,
                        job,
                        str(key),
                        f"{row.name} gives no sign of life",
                    )
                is_changed = True
        if is_changed:
            await tell_stuck(session, job)


async def worker_names(session: AsyncSession, ids: set[str | None]) -> dict[str, str]:
    """Return names by worker id, deleted workers included, because tasks still refer to them."""
    query = select(WorkerRow.id, WorkerRow.name).where(WorkerRow.id.in_(ids - {None}))
    return {row.id: row.name for row in await session.execute(query)}


async def set_activity(session: Session, job_id: str, index: int, text: str) -> None:
    """Set the task's activity text and its last-touched time; without an event, as in Flamenco."""
    values = {"job": job_id, "task": index, "text": text, "now": utc_now()}
    await session.execute(_SET_ACTIVITY, values)


async def delete_some(session: Session, job_id: str, at_most: int) -> bool:
    """Delete the first tasks of a job without an open run; return whether tasks are left."""
    of_job = TaskRow.job_id == job_id
    first = await session.scalar(select(func.min(TaskRow.index_in_job)).where(of_job))
    if first is None:
        return False
    await session.execute(delete(TaskRow).where(of_job, TaskRow.index_in_job < first + at_most))
    return await session.scalar(select(TaskRow.index_in_job).where(of_job).limit(1)) is not None
