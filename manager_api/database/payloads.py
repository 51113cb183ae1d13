"""The payloads of events, in Flamenco's format."""

from datetime import datetime
from typing import Any, Literal, Protocol

from manager_api.database.tables import JobRow, TaskRow, WorkerRow, WorkerTagRow
from workflows.domain.statuses import FarmStatus, JobStatus, TaskStatus, WorkerStatus

JOBS = "/jobs"
WORKERS = "/workers"
WORKER_TAGS = "/workertags"
LIFECYCLE = "/lifecycle"
FARM_STATUS = "/status"
LAST_RENDERED = "/last-rendered"
#: Orders from one manager to the others; clients do not get them.
HOST_ORDERS = "/internal/host-orders"

LifecycleType = Literal["manager-startup", "manager-shutdown"]


class RenderTimes(Protocol):
    """A row with a job's sums of times."""

    @property
    def render_ms(self) -> int: ...
    @property
    def render_steps(self) -> int: ...


def is_internal(topic: str) -> bool:
    """Return whether a topic is for the farm's managers only."""
    return topic.startswith("/internal/")


def topic_of_job(job_id: str) -> str:
    """Return the topic of the events of a job's tasks."""
    return f"/jobs/{job_id}"


def rfc3339(moment: datetime) -> str:
    """Return a UTC time in the API's format, with `Z`."""
    return moment.isoformat().replace("+00:00", "Z")


def frame_s(job: RenderTimes) -> float | None:
    """Return the average seconds of a frame; None while none is known."""
    return round(job.render_ms / job.render_steps / 1000, 2) if job.render_steps else None


def job_event(
    job: JobRow, *, previous: JobStatus | None = None, refresh_tasks: bool = False
) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": job.id,
        "name": job.name,
        "updated": rfc3339(job.updated),
        "status": str(job.status),
        "type": job.job_type,
        "priority": job.priority,
        "refresh_tasks": refresh_tasks,
        "steps_completed": job.steps_completed,
        "steps_total": job.steps_total,
        "task_counts": job.task_counts or {},
    }
    if job.render_steps:
        payload["frame_s"] = frame_s(job)
    if previous is not None:
        payload["previous_status"] = str(previous)
    if job.delete_requested_at is not None:
        payload["delete_requested_at"] = rfc3339(job.delete_requested_at)
    if job.archived_at is not None:
        payload["archived_at"] = rfc3339(job.archived_at)
    return payload


def job_deleted(job_id: str) -> dict[str, Any]:
    """Return the payload of a job's deletion: mandatory fields except the id are empty or zero."""
    return {
        "id": job_id,
        "was_deleted": True,
        "updated": "0001-01-01T00:00:00Z",
        "status": "",
        "type": "",
        "priority": 0,
        "refresh_tasks": False,
        "steps_completed": 0,
        "steps_total": 0,
    }


def task_event(
    task: TaskRow, worker_name: str | None, *, previous: TaskStatus | None = None
) -> dict[str, Any]:
    """Return the payload of a task. `worker_name` is its worker's name; None without a worker."""
    payload: dict[str, Any] = {
        "id": task.id,
        "job_id": task.job_id,
        "name": task.name,
        "updated": rfc3339(task.updated),
        "status": str(task.status),
        "activity": task.activity,
        "steps_completed": task.steps_completed,
        "steps_total": task.steps_total,
    }
    if task.worker_id is not None and worker_name is not None:
        payload["worker"] = {"name": worker_name, "uuid": task.worker_id}
    if previous is not None:
        payload["previous_status"] = str(previous)
    if task.silent_since is not None:
        payload["silent_since"] = rfc3339(task.silent_since)
    return payload


def worker_event(worker: WorkerRow, *, previous: WorkerStatus | None = None) -> dict[str, Any]:
    payload: dict[str, Any] = {
        "id": worker.id,
        "name": worker.name,
        "updated": rfc3339(worker.updated),
        "status": str(worker.status),
        "version": worker.software,
        "can_restart": worker.can_restart,
    }
    if worker.last_seen is not None:
        payload["last_seen"] = rfc3339(worker.last_seen)
    if previous:  # before its first sign-on, a worker has an empty status
        payload["previous_status"] = str(previous)
    if worker.status_requested is not None:
        payload["status_change"] = {
            "status": str(worker.status_requested),
            "is_lazy": worker.is_lazy_request,
        }
    if worker.deleted_at is not None:
        payload["deleted_at"] = rfc3339(worker.deleted_at)
    return payload


def tag_event(tag: WorkerTagRow) -> dict[str, Any]:
    return {"tag": {"id": tag.id, "name": tag.name, "description": tag.description}}


def tag_deleted(tag_id: str) -> dict[str, Any]:
    return {"tag": {"id": tag_id, "name": ""}, "was_deleted": True}


def last_rendered_topic(job_id: str) -> str:
    """Return the topic of one job's images; the images of all jobs go to `LAST_RENDERED`, too."""
    return f"{topic_of_job(job_id)}{LAST_RENDERED}"


def lifecycle_event(what: LifecycleType) -> dict[str, Any]:
    return {"type": what}


def farm_status_event(status: FarmStatus) -> dict[str, Any]:
    return {"status": str(status)}
