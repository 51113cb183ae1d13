"""Imports the content of a Flamenco database. Each item is imported once, also if repeated."""

import asyncio
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import IntegrityError

from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import (
    Base,
    JobRow,
    SleepScheduleRow,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
)
from manager_api.importing import flamenco_database as flamenco
from manager_api.importing import store
from manager_api.importing.flamenco_files import FlamencoFiles
from manager_api.jobs import store as jobs
from workflows.domain.job.ranges import format_ranges
from workflows.domain.migration import job_status_of, task_status_of, worker_status_of
from workflows.domain.statuses import ENDED, JobStatus
from workflows.domain.steps import steps_of

CARRIED_OVER = "Carried over from Flamenco"


@dataclass(slots=True)
class Report:
    """The number of imported items, by kind."""

    new: Counter[str] = field(default_factory=Counter)
    there: Counter[str] = field(default_factory=Counter)
    """Items whose id or name this farm has already; they are left as they are."""
    left: list[str] = field(default_factory=list)
    """What is not imported, as sentences."""


class Transfer:
    """Imports into this farm's database.

    Args:
        files: the files of Flamenco's jobs; None: they are not imported.
        is_rehearsal: read everything and write nothing.
    """

    def __init__(
        self, database: Database, files: FlamencoFiles | None, *, is_rehearsal: bool
    ) -> None:
        self._database = database
        self._files = files
        self._is_rehearsal = is_rehearsal
        self._tag_ids: dict[str, str] = {}
        """Ids of tags, Flamenco's to ours. Tags of the same name are the same tag."""
        self.report = Report()

    async def run(self, source: flamenco.FlamencoDatabase) -> Report:
        """Import everything that is not there yet.

        Workers and tags are one transaction, and so is each job. After an interruption, the next
        call imports the rest.
        """
        await self._tags_and_workers(list(source.tags()), list(source.workers()))
        source_jobs = source.jobs()
        while (job := await asyncio.to_thread(next, source_jobs, None)) is not None:
            if await self._job(job) and self._files is not None:
                await self._copy_files(self._files, job)
        await self._show_last_rendered(source.last_rendered_job())
        return self.report

    async def _tags_and_workers(
        self, tags: Sequence[flamenco.Tag], workers: Sequence[flamenco.Worker]
    ) -> None:
        async with self._database.writing() as session:
            await self._add_tags(session, tags)
            known = await store.worker_ids(session)
            for worker in workers:
                if self._is_new("workers", worker.id in known):
                    known.add(worker.id)
                    await self._add_worker(session, worker)

    async def _add_tags(self, session: Session, tags: Sequence[flamenco.Tag]) -> None:
        by_name = await store.tag_ids_by_name(session)
        ids = set(by_name.values())
        for tag in tags:
            self._tag_ids[tag.id] = tag.id if tag.id in ids else by_name.get(tag.name, tag.id)
            if self._is_new("tags", self._tag_ids[tag.id] in ids):
                row = WorkerTagRow(id=tag.id, name=tag.name, description=tag.description)
                await self._add(session, row)

    async def _add_worker(self, session: Session, worker: flamenco.Worker) -> None:
        status, requested = worker_status_of(worker.status)
        row = WorkerRow(
            id=worker.id,
            name=worker.name,
            secret_hash=worker.secret_hash,
            address=worker.address,
            status=status,
            status_requested=requested,
            platform=worker.platform,
            software=worker.software,
            supported_task_types=list(worker.supported_task_types),
            can_restart=worker.can_restart,
            last_seen=worker.last_seen,
            created=worker.created,
            updated=utc_now(),
            deleted_at=worker.deleted_at,
        )
        memberships = [
            WorkerTagMembershipRow(worker_id=worker.id, tag_id=self._tag_ids[tag])
            for tag in worker.tags
        ]
        await self._add(session, row, *memberships)
        self.report.new["tag memberships"] += len(memberships)
        if worker.schedule is not None:
            await self._add(session, _schedule_row(worker.id, worker.schedule))
            self.report.new["sleep schedules"] += 1

    async def _job(self, job: flamenco.Job) -> bool:
        """Import a job; return whether this farm has it now."""
        if job.is_being_deleted:
            self.report.left.append(f'job "{job.name}" ({job.id}): its deletion was asked for')
            return False
        async with self._database.reading() as session:
            known = await jobs.job(session, job.id)
        if not self._is_new("jobs", known is not None):
            return True
        self.report.new["tasks"] += len(job.tasks)
        try:
            if not self._is_rehearsal:
                async with self._database.writing() as session:
                    await self._add_job(session, job)
        except IntegrityError:
            self.report.new.subtract({"jobs": 1, "tasks": len(job.tasks)})
            self.report.left.append(
                f'job "{job.name}" ({job.id}): the id of one of its tasks is there already'
            )
            return False
        return True

    async def _add_job(self, session: Session, job: flamenco.Job) -> None:
        workers = await store.worker_ids(session)
        row = self._job_row(job)
        blocked = [pair for pair in dict.fromkeys(job.blocklist) if pair[0] in workers]
        await store.add_job(session, row, _task_columns(job, row.status, workers), blocked)

    def _job_row(self, job: flamenco.Job) -> JobRow:
        status = job_status_of(job.status)
        return JobRow(
            id=job.id,
            name=job.name,
            job_type=job.job_type,
            priority=job.priority,
            status=status,
            activity=job.activity if str(status) == job.status else CARRIED_OVER,
            settings=job.settings,
            job_metadata=job.metadata,
            shaman_checkout_id=job.shaman_checkout_id,
            worker_tag_id=self._tag_ids.get(job.worker_tag_id or ""),
            created=job.created,
            updated=job.updated,
            run=1,
            is_ended=status in ENDED,
            steps_total=sum(map(_steps, job.tasks)),
            steps_completed=sum(task.steps_completed for task in job.tasks),
            task_counts=Counter(str(task_status_of(task.status, status)) for task in job.tasks),
        )

    async def _copy_files(self, files: FlamencoFiles, job: flamenco.Job) -> None:
        for task_id, log in files.logs_of(job.id, (task.id for task in job.tasks)):
            self.report.new["task logs"] += 1
            if not self._is_rehearsal:
                await files.copy_log(job.id, task_id, log)
        for image in files.images_of(job.id):
            self.report.new["images"] += 1
            if not self._is_rehearsal:
                await files.copy_image(job.id, image)

    async def _show_last_rendered(self, job_id: str | None) -> None:
        if job_id is None or self._files is None or self._is_rehearsal:
            return
        async with self._database.writing() as session:
            await store.show_last_rendered(session, job_id)

    def _is_new(self, kind: str, is_there: bool) -> bool:
        (self.report.there if is_there else self.report.new)[kind] += 1
        return not is_there

    async def _add(self, session: Session, *rows: Base) -> None:
        if not self._is_rehearsal:
            await store.add_rows(session, rows)


def _schedule_row(worker_id: str, schedule: flamenco.SleepSchedule) -> SleepScheduleRow:
    return SleepScheduleRow(
        worker_id=worker_id,
        is_active=schedule.is_active,
        days_of_week=schedule.days_of_week,
        start_time=schedule.start_time,
        end_time=schedule.end_time,
        next_check=utc_now() if schedule.is_active else None,
    )


def _task_columns(
    job: flamenco.Job, status: JobStatus, workers: Collection[str]
) -> dict[str, list[Any]]:
    tasks = job.tasks
    return {
        "index_in_job": [task.index for task in tasks],
        "id": [task.id for task in tasks],
        "name": [task.name for task in tasks],
        "task_type": [task.task_type for task in tasks],
        "priority": [task.priority for task in tasks],
        "status": [task_status_of(task.status, status) for task in tasks],
        "activity": [task.activity for task in tasks],
        "commands": [list(task.commands) for task in tasks],
        "depends_on": [format_ranges(task.depends_on) for task in tasks],
        "steps_total": [_steps(task) for task in tasks],
        "steps_completed": [task.steps_completed for task in tasks],
        "attempt": [0] * len(tasks),
        "failures": [len(task.failed_by) for task in tasks],
        "failed_by": [[each for each in task.failed_by if each in workers] for task in tasks],
        "worker_id": [task.worker_id if task.worker_id in workers else None for task in tasks],
        "created": [task.created for task in tasks],
        "updated": [task.updated for task in tasks],
        "last_touched": [task.last_touched for task in tasks],
    }


def _steps(task: flamenco.Task) -> int:
    return steps_of(command["total_step_count"] for command in task.commands)
