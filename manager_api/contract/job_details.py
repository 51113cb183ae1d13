"""Our interface: what the dashboard shows of a job and its tasks beyond Flamenco's words."""

from datetime import datetime
from typing import Any

from manager_api.contract.base import Answer, Request
from manager_api.contract.machine import RenderProgress
from manager_api.contract.tasks import TaskWorker


class TimedTask(Answer):
    index_in_job: int
    seconds: float
    worker_id: str | None = None
    memory_peak: int | None = None
    """Bytes that it took at most, where its worker tells."""


class WorkerTimes(Answer):
    id: str
    name: str
    tasks: int
    steps: int
    seconds: float


class JobTimes(Answer):
    tasks: list[TimedTask]
    """The completed ones whose times are known, in their order."""
    workers: list[WorkerTimes]
    """What each did of these; who took the least time for a step first."""


class RenderedNow(RenderProgress):
    """A task that is at work, as its host last said; what is not known is unset."""

    index_in_job: int


class JobProgress(Answer):
    tasks: list[RenderedNow]
    """Those at work, in their order, whose hosts are connected to this manager."""


class JobHappening(Answer):
    happened: datetime
    status: str
    """Of the job, or of the task, afterwards."""
    text: str
    task_id: str | None = None
    task_index: int | None = None
    worker: TaskWorker | None = None


class JobHistory(Answer):
    happenings: list[JobHappening]
    """The newest first."""
    is_complete: bool
    """Whether there is nothing older."""


class TaskTries(Answer):
    attempt: int
    """The newest one's number, from 1; 0: never tried."""
    failures: int
    """Since it was last requeued."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    memory_peak: int | None = None
    """Bytes that the newest attempt took at most, where its worker tells."""
    depends_on: list[int]
    """Tasks' indexes in the job."""


class RecompileRequest(Request):
    settings: dict[str, Any]
    """All of the job's settings, not only those that change."""


class Recompilation(Answer):
    tasks: int
    kept: int
    """Those that were finished, and stay so."""
