"""Converts rows of the database to the contract's answers."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from manager_api.contract.farm_jobs import FarmJob, FarmTask
from manager_api.contract.jobs import Job, JobStorage
from manager_api.contract.tasks import Command, Task, TaskSummary, TaskWorker
from manager_api.contract.workers import (
    RegisteredWorker,
    Worker,
    WorkerStatusChange,
    WorkerSummary,
    WorkerTag,
    WorkerTask,
)
from manager_api.database.payloads import frame_s
from manager_api.database.tables import TaskRow, WorkerRow, WorkerTagRow
from workflows.domain.statuses import SCHEDULABLE, JobStatus, TaskStatus, WorkerStatus

Rows = Mapping[str, WorkerRow]


class ShownJob(Protocol):
    """A row with the columns of a job's answer."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def job_type(self) -> str: ...
    @property
    def priority(self) -> int: ...
    @property
    def status(self) -> JobStatus: ...
    @property
    def activity(self) -> str: ...
    @property
    def settings(self) -> dict[str, Any]: ...
    @property
    def job_metadata(self) -> dict[str, str]: ...
    @property
    def shaman_checkout_id(self) -> str: ...
    @property
    def worker_tag_id(self) -> str | None: ...
    @property
    def created(self) -> datetime: ...
    @property
    def updated(self) -> datetime: ...
    @property
    def steps_completed(self) -> int: ...
    @property
    def steps_total(self) -> int: ...
    @property
    def delete_requested_at(self) -> datetime | None: ...
    @property
    def owner(self) -> str | None: ...
    @property
    def waits(self) -> dict[str, Any] | None: ...
    @property
    def task_counts(self) -> dict[str, int] | None: ...
    @property
    def render_ms(self) -> int: ...
    @property
    def render_steps(self) -> int: ...


def job_answer(row: ShownJob, tasks_stuck: int = 0) -> Job:
    checkout = row.shaman_checkout_id
    return Job(
        id=row.id,
        name=row.name,
        type=row.job_type,
        priority=row.priority,
        status=row.status,
        activity=row.activity,
        settings=row.settings,
        metadata=row.job_metadata,
        storage=JobStorage(shaman_checkout_id=checkout) if checkout else None,
        worker_tag=row.worker_tag_id,
        created=row.created,
        updated=row.updated,
        steps_completed=row.steps_completed,
        steps_total=row.steps_total,
        delete_requested_at=row.delete_requested_at,
        owner=row.owner,
        tasks_stuck=tasks_stuck or None,
        waiting=(waits_of_job(row) or {}).get("sentence") or None,
    )


def farm_job_answer(row: ShownJob, tasks_stuck: int = 0) -> FarmJob:
    counts = {TaskStatus(status): count for status, count in (row.task_counts or {}).items()}
    return FarmJob(**dict(job_answer(row, tasks_stuck)), task_counts=counts, frame_s=frame_s(row))


def waits_of_job(row: ShownJob) -> dict[str, Any] | None:
    """Return what the keeper says of a job that waits; None if the job waits for no worker.

    A moment after the job has changed, the keeper's words are still about what it was.
    """
    is_going_on = row.status in SCHEDULABLE and row.delete_requested_at is None
    return row.waits if is_going_on else None


def task_worker(worker_id: str | None, workers: Rows) -> TaskWorker | None:
    row = workers.get(worker_id or "")
    return None if row is None else shown_worker(row)


def shown_worker(row: WorkerRow) -> TaskWorker:
    return TaskWorker(id=row.id, name=row.name, address=row.address)


class SummarisedTask(Protocol):
    """A row with the columns of a task's summary."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> TaskStatus: ...
    @property
    def index_in_job(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def task_type(self) -> str: ...
    @property
    def updated(self) -> datetime: ...
    @property
    def steps_completed(self) -> int: ...
    @property
    def steps_total(self) -> int: ...
    @property
    def worker_id(self) -> str | None: ...


def task_summary(row: SummarisedTask, worker: TaskWorker | None) -> TaskSummary:
    return TaskSummary(**_summary(row, worker))


def _summary(row: SummarisedTask, worker: TaskWorker | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "status": row.status,
        "index_in_job": row.index_in_job,
        "priority": row.priority,
        "task_type": row.task_type,
        "updated": row.updated,
        "steps_completed": row.steps_completed,
        "steps_total": row.steps_total,
        "worker": worker,
    }


class ListedTask(SummarisedTask, Protocol):
    """A row with the columns of a task that Tablao lists."""

    @property
    def silent_since(self) -> datetime | None: ...


def farm_task(row: ListedTask, worker: TaskWorker | None) -> FarmTask:
    since = row.silent_since if row.status is TaskStatus.ACTIVE else None
    return FarmTask(**_summary(row, worker), silent_since=since)


def task_answer(row: TaskRow, workers: Rows) -> Task:
    failed_by = [task_worker(worker_id, workers) for worker_id in row.failed_by]
    return Task(
        id=row.id,
        created=row.created,
        updated=row.updated,
        job_id=row.job_id,
        index_in_job=row.index_in_job,
        name=row.name,
        status=row.status,
        priority=row.priority,
        task_type=row.task_type,
        activity=row.activity,
        commands=[Command.model_validate(command) for command in row.commands],
        steps_completed=row.steps_completed,
        steps_total=row.steps_total,
        worker=task_worker(row.worker_id, workers) or TaskWorker(),
        last_touched=row.last_touched,
        failed_by_workers=[worker for worker in failed_by if worker is not None],
    )


class ShownWorker(Protocol):
    """A row with the columns of a worker's summary."""

    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def status(self) -> WorkerStatus: ...
    @property
    def software(self) -> str: ...
    @property
    def can_restart(self) -> bool: ...
    @property
    def status_requested(self) -> WorkerStatus | None: ...
    @property
    def is_lazy_request(self) -> bool: ...
    @property
    def last_seen(self) -> datetime | None: ...


def worker_summary(row: ShownWorker) -> WorkerSummary:
    return WorkerSummary(
        id=row.id,
        name=row.name,
        status=row.status,
        version=row.software,
        can_restart=row.can_restart,
        status_change=_status_change(row),
        last_seen=row.last_seen,
    )


def worker_answer(row: WorkerRow, task: TaskRow | None, tags: list[WorkerTagRow]) -> Worker:
    return Worker(
        id=row.id,
        name=row.name,
        status=row.status,
        version=row.software,
        can_restart=row.can_restart,
        status_change=_status_change(row),
        last_seen=row.last_seen,
        ip_address=row.address,
        platform=row.platform,
        supported_task_types=row.supported_task_types,
        task=task and _worker_task(task, row),
        tags=[WorkerTag(id=t.id, name=t.name, description=t.description) for t in tags] or None,
    )


def registered_worker(row: WorkerRow) -> RegisteredWorker:
    return RegisteredWorker(
        uuid=row.id,
        name=row.name,
        address=row.address,
        status=row.status,
        platform=row.platform,
        software=row.software,
        supported_task_types=row.supported_task_types,
    )


def _worker_task(task: TaskRow, worker: WorkerRow) -> WorkerTask:
    summary = task_summary(task, shown_worker(worker))
    return WorkerTask(**dict(summary), job_id=task.job_id)


def _status_change(row: ShownWorker) -> WorkerStatusChange | None:
    if not row.status_requested:
        return None
    return WorkerStatusChange(status=row.status_requested, is_lazy=row.is_lazy_request)
