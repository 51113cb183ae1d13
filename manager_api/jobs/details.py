"""Answers about a job in detail: how long its tasks took, its progress, history and tries."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.actions import PossibleAction, PossibleActions
from manager_api.contract.answers import Rows, task_worker, waits_of_job
from manager_api.contract.job_details import (
    JobHappening,
    JobHistory,
    JobProgress,
    JobReasons,
    JobTimes,
    LikeTasks,
    LikeWarnings,
    RenderedNow,
    StuckTask,
    TaskTries,
    TaskWarning,
    TimedTask,
    WaitingTasks,
    WorkerTimes,
)
from manager_api.contract.machine import RunProgress
from manager_api.database.engine import Database
from manager_api.database.tables import JobHistoryRow, JobRow, TaskRow
from manager_api.jobs import history as job_history
from manager_api.jobs import store as jobs
from manager_api.jobs import stuck_store
from manager_api.jobs import task_store as tasks
from manager_api.jobs.task_store import TimedRow
from manager_api.jobs.task_table import read_compact
from manager_api.workers import store as worker_store
from workflows.domain.access import Identity
from workflows.domain.job.encoding import decode
from workflows.domain.job.ranges import indexes_in
from workflows.domain.job.requeueing import possible_actions
from workflows.domain.job.tasks import TaskBook
from workflows.domain.job.transitions import ARCHIVABLE, DELETABLE
from workflows.domain.reasons import Group, grouped, reason_in
from workflows.domain.shortages import MOST_NAMED, waits_for_tasks
from workflows.domain.statuses import SCHEDULABLE, TaskStatus
from workflows.domain.steps import steps_of
from workflows.domain.task_ids import task_id

#: Most entries of a job's history in one answer. Only a job with hundreds of failures has more.
MOST_HAPPENINGS = 1000


class RenderingHosts(Protocol):
    """The hosts that report the progress of their renders."""

    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]: ...


class JobDetailService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def times(self, job_id: str) -> JobTimes:
        async with self._database.reading() as session:
            await jobs.existing_job(session, job_id)
            timed = await tasks.completed_times(session, job_id)
            workers = await worker_store.workers_by_id(session, {task.worker_id for task in timed})
        return await asyncio.to_thread(_times, timed, workers)

    async def progress(self, job_id: str, hosts: RenderingHosts) -> JobProgress:
        async with self._database.reading() as session:
            await jobs.existing_job(session, job_id)
            active = await tasks.active_indexes(session, job_id)
            stuck = await stuck_store.stuck(session, job_id)
        said = hosts.progress_of_job(job_id)
        return JobProgress(
            tasks=[
                RenderedNow(index_in_job=index, **dict(said[index]))
                for index in active
                if index in said
            ],
            stuck=[
                StuckTask(index_in_job=index, silent_since=since)
                for index, since in sorted(stuck.items())
            ],
        )

    async def actions(self, job_id: str, caller: Identity) -> PossibleActions:
        """Return the actions that the job can take, and whether the caller may ask for them."""
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
            compact = await read_compact(session, job_id)
        # In a thread: the table of a job of 100,000 tasks takes a second.
        possible = await asyncio.to_thread(_possible, row, compact)
        return PossibleActions(may_change=caller.may_change_job(row.owner), actions=possible)

    async def history(self, job_id: str) -> JobHistory:
        async with self._database.reading() as session:
            await jobs.existing_job(session, job_id)
            rows = await job_history.newest(session, job_id, MOST_HAPPENINGS + 1)
            workers = await worker_store.workers_by_id(session, {row.worker_id for row in rows})
        return JobHistory(
            happenings=[_happening(row, workers) for row in rows[:MOST_HAPPENINGS]],
            is_complete=len(rows) <= MOST_HAPPENINGS,
        )

    async def reasons(self, job_id: str) -> JobReasons:
        async with self._database.reading() as session:
            job = await jobs.existing_job(session, job_id)
            activities = await tasks.last_reasons(session, job_id)
            warned = await tasks.warnings_of_job(session, job_id)
        # In a thread: a job of 100,000 tasks may have ten different warnings of each.
        reasons = await asyncio.to_thread(
            grouped, ((index, reason_in(activity), 1) for index, activity in activities)
        )
        warnings = await asyncio.to_thread(
            grouped, ((index, text, count) for index, of_task in warned for text, count in of_task)
        )
        return JobReasons(
            waiting=[WaitingTasks(**each) for each in _waits_by_type(job)],
            reasons=[LikeTasks(**_like_tasks(job_id, group)) for group in reasons],
            warnings=[
                LikeWarnings(**_like_tasks(job_id, group), count=group.count) for group in warnings
            ],
        )

    async def tries(self, task_id: str) -> TaskTries:
        async with self._database.reading() as session:
            row = await tasks.existing_task(session, task_id)
            waiting = await self._why_waiting(session, row)
        return TaskTries(
            attempt=row.attempt,
            failures=row.failures,
            started_at=row.started_at,
            ended_at=row.ended_at,
            memory_peak=row.memory_peak,
            warnings=[TaskWarning(text=text, count=n) for text, n in row.warnings or ()],
            silent_since=row.silent_since,
            depends_on=list(indexes_in(row.depends_on)),
            waiting=waiting,
        )

    async def _why_waiting(self, session: AsyncSession, task: TaskRow) -> str:
        job = await jobs.existing_job(session, task.job_id)
        if task.status is not TaskStatus.QUEUED or job.status not in SCHEDULABLE:
            return ""
        needed = list(indexes_in(task.depends_on))
        count, names = await tasks.unfinished(session, job.id, needed, MOST_NAMED)
        if count:
            return waits_for_tasks(count, names)
        waits = _waits_by_type(job)
        return next((w["sentence"] for w in waits if w["task_type"] in ("", task.task_type)), "")


def _waits_by_type(job: JobRow) -> Sequence[Mapping[str, Any]]:
    waits = waits_of_job(job)
    return [] if waits is None else list(waits["types"])


def _possible(row: JobRow, compact: str) -> list[PossibleAction]:
    if row.delete_requested_at is not None:
        return []
    found = []
    if row.archived_at is None:
        found = [
            PossibleAction(action=action, tasks=dict(again))
            for action, again in possible_actions(TaskBook(decode(compact)), row.status).items()
        ]
        if row.status in ARCHIVABLE:
            found.append(PossibleAction(action="archive", tasks={}))
    if row.status in DELETABLE:
        found.append(PossibleAction(action="delete", tasks={}))
    return found


def _times(timed: Sequence[TimedRow], workers: Rows) -> JobTimes:
    return JobTimes(
        tasks=[
            TimedTask(
                index_in_job=t.index_in_job,
                seconds=t.seconds,
                worker_id=t.worker_id,
                memory_peak=t.memory_peak,
            )
            for t in timed
        ],
        workers=sorted(_shares(timed, workers), key=lambda share: share.seconds / share.steps),
    )


def _shares(timed: Sequence[TimedRow], workers: Rows) -> Iterable[WorkerTimes]:
    by_worker: defaultdict[str, list[TimedRow]] = defaultdict(list)
    for task in timed:
        if task.worker_id is not None and task.worker_id in workers:
            by_worker[task.worker_id].append(task)
    for worker_id, done in by_worker.items():
        yield WorkerTimes(
            id=worker_id,
            name=workers[worker_id].name,
            tasks=len(done),
            steps=steps_of(task.steps_total for task in done),
            seconds=sum(task.seconds for task in done),
        )


def _like_tasks(job_id: str, group: Group) -> dict[str, Any]:
    ids = [task_id(job_id, index) for index in group.indexes]
    return {"text": group.text, "tasks": group.tasks, "task_ids": ids}


def _happening(row: JobHistoryRow, workers: Rows) -> JobHappening:
    return JobHappening(
        happened=row.happened,
        status=row.status,
        text=row.text,
        task_id=None if row.task_index is None else task_id(row.job_id, row.task_index),
        task_index=row.task_index,
        worker=task_worker(row.worker_id, workers),
    )
