"""Archives jobs and exports them; `end_of_life.archiver` drops what an archived job loses."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from manager_api.contract.answers import Rows, job_answer, task_answer
from manager_api.contract.archive import (
    ArchivedJob,
    ArchivedJobs,
    ArchivedStatistics,
    JobExport,
    WorkerShare,
)
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, TaskRow
from manager_api.end_of_life import archive_store as archives
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.workers import store as worker_store
from workflows.domain.job.transitions import check_job_archiving


class ArchiveService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def archive(self, job_id: str) -> None:
        """Archive a job; an archived job stays as it is.

        Raises:
            JobNotFound: there is no such job.
            Refused: the job is not at rest, or is being deleted.
        """
        async with self._database.writing() as session:
            row = await jobs.existing_job_to_change(session, job_id)
            check_job_archiving(
                row.status,
                is_being_deleted=row.delete_requested_at is not None,
                is_archived=row.archived_at is not None,
            )
            archives.archive(session, row)

    async def all(self) -> ArchivedJobs:
        async with self._database.reading() as session:
            rows = await archives.archived_jobs(session)
        return ArchivedJobs(jobs=[_archived_answer(row) for row in rows])

    async def get(self, job_id: str) -> ArchivedJob:
        async with self._database.reading() as session:
            row = await archives.existing_archived_job(session, job_id)
        return _archived_answer(row)

    async def export(self, job_id: str) -> JobExport:
        async with self._database.reading() as session:
            row = await jobs.existing_job(session, job_id)
            of_job = await tasks.tasks_with_commands(session, job_id)
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


def _archived_answer(row: JobRow) -> ArchivedJob:
    kept = {"archived_at": row.archived_at, "statistics": _kept(row)}
    return ArchivedJob(**dict(job_answer(row)), **kept)


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
