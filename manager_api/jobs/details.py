"""How long a job's tasks took, what befell it, and how often a task was tried."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import select

from manager_api.contract.answers import Rows, task_worker
from manager_api.contract.errors import JobNotFound, TaskNotFound
from manager_api.contract.job_details import (
    JobHappening,
    JobHistory,
    JobProgress,
    JobTimes,
    RenderedNow,
    TaskTries,
    TimedTask,
    WorkerTimes,
)
from manager_api.database.engine import Database
from manager_api.database.tables import JobHistoryRow, TaskRow
from manager_api.jobs import history as job_history
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.workers import store as worker_store
from workflows.domain.job.ranges import indexes_in
from workflows.domain.statuses import TaskStatus
from workflows.domain.task_ids import task_id

#: Happenings that are told of; a job with more of them has failures by the hundred.
MOST_HAPPENINGS = 1000


class RenderingHosts(Protocol):
    """Hosts that say how far their renders are."""

    def progress_of_job(self, job_id: str) -> Mapping[int, Mapping[str, Any]]: ...


class _Timed(NamedTuple):
    index_in_job: int
    worker_id: str | None
    steps_total: int
    started_at: datetime
    ended_at: datetime
    memory_peak: int | None

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


class JobDetailService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def times(self, job_id: str) -> JobTimes:
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
        async with self._database.reading() as session:
            if await jobs.job(session, job_id) is None:
                raise JobNotFound(job_id)
            timed = [_Timed(*row) async for row in tasks.tasks_in_order(session, job_id, query)]
            workers = await worker_store.workers_by_id(session, {task.worker_id for task in timed})
        return await asyncio.to_thread(_times, timed, workers)

    async def progress(self, job_id: str, hosts: RenderingHosts) -> JobProgress:
        query = select(TaskRow.index_in_job).where(
            TaskRow.job_id == job_id, TaskRow.status == TaskStatus.ACTIVE
        )
        async with self._database.reading() as session:
            if await jobs.job(session, job_id) is None:
                raise JobNotFound(job_id)
            active = sorted(await session.scalars(query))
        said = hosts.progress_of_job(job_id)
        return JobProgress(tasks=[_rendered(i, said[i]) for i in active if i in said])

    async def history(self, job_id: str) -> JobHistory:
        async with self._database.reading() as session:
            if await jobs.job(session, job_id) is None:
                raise JobNotFound(job_id)
            rows = await job_history.newest(session, job_id, MOST_HAPPENINGS + 1)
            workers = await worker_store.workers_by_id(session, {row.worker_id for row in rows})
        return JobHistory(
            happenings=[_happening(row, workers) for row in rows[:MOST_HAPPENINGS]],
            is_complete=len(rows) <= MOST_HAPPENINGS,
        )

    async def tries(self, task_id: str) -> TaskTries:
        async with self._database.reading() as session:
            row = await tasks.task(session, task_id)
        if row is None:
            raise TaskNotFound(task_id)
        return TaskTries(
            attempt=row.attempt,
            failures=row.failures,
            started_at=row.started_at,
            ended_at=row.ended_at,
            memory_peak=row.memory_peak,
            depends_on=list(indexes_in(row.depends_on)),
        )


def _times(timed: list[_Timed], workers: Rows) -> JobTimes:
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


def _shares(timed: list[_Timed], workers: Rows) -> Iterable[WorkerTimes]:
    by_worker: defaultdict[str, list[_Timed]] = defaultdict(list)
    for task in timed:
        if task.worker_id is not None and task.worker_id in workers:
            by_worker[task.worker_id].append(task)
    for worker_id, done in by_worker.items():
        yield WorkerTimes(
            id=worker_id,
            name=workers[worker_id].name,
            tasks=len(done),
            steps=sum(max(1, task.steps_total) for task in done),
            seconds=sum(task.seconds for task in done),
        )


def _rendered(index: int, said: Mapping[str, Any]) -> RenderedNow:
    """Hosts are not trusted to tell numbers where numbers are due."""
    known = {name: said.get(name) for name in RenderedNow.model_fields if name in said}
    numbers = {name: value for name, value in known.items() if isinstance(value, int)}
    return RenderedNow(**{**numbers, "index_in_job": index})


def _happening(row: JobHistoryRow, workers: Rows) -> JobHappening:
    return JobHappening(
        happened=row.happened,
        status=row.status,
        text=row.text,
        task_id=None if row.task_index is None else task_id(row.job_id, row.task_index),
        task_index=row.task_index,
        worker=task_worker(row.worker_id, workers),
    )
