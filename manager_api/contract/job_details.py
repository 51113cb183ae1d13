"""Our interface: facts about a job and its tasks that Flamenco's interface does not have."""

from datetime import datetime
from typing import Any

from manager_api.contract.base import Answer, Request
from manager_api.contract.machine import RenderProgress
from manager_api.contract.tasks import TaskWorker
from workflows.domain.statuses import JobStatus


class TimedTask(Answer):
    index_in_job: int
    seconds: float
    worker_id: str | None = None
    memory_peak: int | None = None
    """The task's peak memory in bytes, if its worker reported it."""


class WorkerTimes(Answer):
    id: str
    name: str
    tasks: int
    steps: int
    seconds: float


class JobTimes(Answer):
    tasks: list[TimedTask]
    """The completed tasks whose times are known, in the job's order."""
    workers: list[WorkerTimes]
    """The workers of these tasks; the worker with the least time for a step first."""


class JobTimeLeft(Answer):
    """How long an active job still takes, in seconds: at least, and at most."""

    job_id: str
    earliest_s: float
    latest_s: float


class TimesLeft(Answer):
    jobs: list[JobTimeLeft]
    """The active jobs of which it is known."""
    workers: dict[str, int]
    """How many slots of workers are at each active job, by the job's id; jobs without workers are
    left out.
    """


class RenderedNow(RenderProgress):
    """The progress of a running task, as its host last reported it. Unknown values are unset."""

    index_in_job: int


class StuckTask(Answer):
    """A running task without any sign of life for longer than it may be."""

    index_in_job: int
    silent_since: datetime
    """When its run last had output or used CPU time; of an HTTP worker, when it last reported."""


class JobProgress(Answer):
    tasks: list[RenderedNow]
    """The running tasks whose hosts are connected to this manager, in the job's order."""
    stuck: list[StuckTask]
    """The running tasks that are stuck, in the job's order."""


class JobHappening(Answer):
    happened: datetime
    status: str
    """The new status of the job or of the task."""
    text: str
    task_id: str | None = None
    task_index: int | None = None
    worker: TaskWorker | None = None


class JobHistory(Answer):
    happenings: list[JobHappening]
    """The newest first."""
    is_complete: bool
    """Whether the oldest happening is included."""


class JobNamed(Answer):
    id: str
    name: str
    status: JobStatus


class SameOutput(Answer):
    jobs: list[JobNamed]
    """Other unfinished jobs that write to the same files, the oldest first, at most 20."""
    unseen: list[str]
    """Sentences that say which workers do not see the output path, or may not see it."""


class LikeTasks(Answer):
    """Tasks of a job with like texts, which differ only in numbers, frames and paths."""

    text: str
    """The text of the first of these tasks."""
    tasks: int
    """The number of these tasks."""
    task_ids: list[str]
    """The ids of the first ten of them."""


class LikeWarnings(LikeTasks):
    """Tasks of a job with like warnings."""

    count: int
    """How often the warnings were given, in all of these tasks."""


class HinderedWorkers(Answer):
    """Workers that the same cause keeps from tasks that wait."""

    cause: str
    """A word of `workflows.domain.shortages.Cause`, such as `other-tag` or `asleep`."""
    workers: int
    names: list[str]
    """The names of up to three of them."""


class WaitingTasks(Answer):
    """Tasks of one type that could run now, if a worker were free for them."""

    task_type: str
    """Empty if the job's workflow has not begun, so that its needs are not known."""
    tasks: int
    sentence: str
    hindered: list[HinderedWorkers]
    """Each worker of the farm is counted once."""


class JobReasons(Answer):
    """Why tasks of a job failed or wait, and their warnings."""

    waiting: list[WaitingTasks]
    """Why tasks wait that could run now, as the farm keeper saw it a moment ago."""

    reasons: list[LikeTasks]
    """Why tasks failed, or wait because of a fault of a machine; the reason with the most tasks
    first; at most 20.
    """
    warnings: list[LikeWarnings]
    """The warning with the most tasks first; at most 20."""


class TaskWarning(Answer):
    text: str
    count: int


class TaskTries(Answer):
    attempt: int
    """The number of the newest attempt, from 1; 0: never tried."""
    failures: int
    """The failures since the task was last requeued."""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    memory_peak: int | None = None
    """The peak memory of the newest attempt in bytes, if its worker reported it."""
    warnings: list[TaskWarning]
    """The warnings of the newest attempt that has ended; at most ten."""
    silent_since: datetime | None = None
    """When the run gave its last sign of life, if the task is stuck."""
    depends_on: list[int]
    """The indexes in the job of the tasks that it depends on."""
    waiting: str
    """Why it waits, in a sentence; empty if it does not wait, or has a worker in a moment."""


class LogOfTry(Answer):
    attempt: int
    size: int
    """In bytes."""
    worker: TaskWorker | None = None
    """The worker that was given this try; unset if the log names none."""


class TaskLogTries(Answer):
    """The tries of a task whose logs are kept."""

    tries: list[LogOfTry]
    """The newest first."""


class RecompileRequest(Request):
    settings: dict[str, Any]
    """All settings of the job, not only those that change."""


class Recompilation(Answer):
    tasks: int
    kept: int
    """The number of tasks that were completed and stay completed."""
