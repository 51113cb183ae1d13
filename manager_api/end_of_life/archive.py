"""Archives jobs and exports them; `end_of_life.archiver` drops what an archived job loses."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import select

from manager_api.contract.answers import Rows, job_answer, task_answer
from manager_api.contract.archive import (
    ArchivedJob,
    ArchivedJobs,
    ArchivedStatistics,
    JobExport,
    WorkerShare,
)
from manager_api.contract.errors import JobNotFound, Refused
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, TaskRow
from manager_api.end_of_life import archive_store as archives
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.service import job_row
from manager_api.workers import store as worker_store
from workflows.domain.job.transitions import check_job_archiving


class ArchiveService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def archive(self, job_id: str) -> None:
        """Asking again is no mistake.

        Raises:
            Refused: the job has not come to rest, or is being deleted.
        """
        async with self._database.writing() as session:
            row = await jobs.job_to_change(session, job_id)
            if row is None:
                raise JobNotFound(job_id)
            if row.delete_requested_at is not None:
                raise Refused("the job is being deleted")
            if row.archived_at is None:
                check_job_archiving(row.status)
                archives.archive(session, row)

    async def all(self) -> ArchivedJobs:
        async with self._database.reading() as session:
            rows = await archives.archived_jobs(session)
        return ArchivedJobs(jobs=[answer for row in rows if (answer := _archived_answer(row))])

    async def get(self, job_id: str) -> ArchivedJob:
        answer = _archived_answer(await job_row(self._database, job_id))
        if answer is None:
            raise JobNotFound(job_id)
        return answer

    async def export(self, job_id: str) -> JobExport:
        row = await job_row(self._database, job_id)
        async with self._database.reading() as session:
            with_commands = tasks.tasks_in_order(session, job_id, select(TaskRow))
            of_job = [task async for (task,) in with_commands]
            ids = {task.worker_id for task in of_job}.union(*(task.failed_by for task in of_job))
            workers = await worker_store.workers_by_id(session, ids)
        return await asyncio.to_thread(_export, row, of_job, workers)


def statistics_of(of_job: Sequence[TaskRow], workers: Rows) -> ArchivedStatistics:
    count: Counter[str] = Counter()
    steps: Counter[str] = Counter()
    for task in of_job:
        worker = workers.get(task.worker_id or "")
        name = worker.name if worker else ""
        count[name] += 1
        steps[name] += task.steps_completed
    return ArchivedStatistics(
        tasks=dict(Counter(task.status for task in of_job)),
        steps_completed=sum(steps.values()),
        tries=sum(task.attempt for task in of_job),
        memory_peak=max((task.memory_peak or 0 for task in of_job), default=0) or None,
        workers=[
            WorkerShare(worker=name, tasks=number, steps=steps[name])
            for name, number in count.most_common()
        ],
    )


def _archived_answer(row: JobRow) -> ArchivedJob | None:
    if row.archived_at is None:
        return None
    return ArchivedJob(**dict(job_answer(row)), archived_at=row.archived_at, statistics=_kept(row))


def _kept(row: JobRow) -> ArchivedStatistics | None:
    return None if row.statistics is None else ArchivedStatistics.model_validate(row.statistics)


def _export(row: JobRow, of_job: Sequence[TaskRow], workers: Rows) -> JobExport:
    return JobExport(
        exported_at=utc_now(),
        job=job_answer(row),
        rna_overrides=row.rna_overrides or [],
        archived_at=row.archived_at,
        statistics=_kept(row) or statistics_of(of_job, workers),
        tasks=[task_answer(task, workers) for task in of_job],
    )
