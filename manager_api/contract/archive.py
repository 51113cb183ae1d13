"""Our interface: archived jobs, and a job as one document."""

from datetime import datetime

from manager_api.contract.base import Answer
from manager_api.contract.jobs import Job
from manager_api.contract.tasks import Task
from workflows.domain.statuses import TaskStatus


class WorkerShare(Answer):
    worker: str
    """The worker's name; empty for tasks that no worker got."""
    tasks: int
    steps: int


class ArchivedStatistics(Answer):
    """Totals of a job's tasks, which are kept after the tasks are deleted."""

    tasks: dict[TaskStatus, int]
    steps_completed: int
    tries: int
    """The attempts at all tasks; more than tasks if some were tried again."""
    memory_peak: int | None = None
    """The peak memory of the job's largest task in bytes, if workers reported it."""
    workers: list[WorkerShare]
    """The last workers of the tasks; the worker with most tasks first."""


class ArchivedJob(Job):
    archived_at: datetime
    statistics: ArchivedStatistics | None = None
    """Unset for a short time, until the tasks are deleted."""


class ArchivedJobs(Answer):
    jobs: list[ArchivedJob]


class JobExport(Answer):
    """All that the manager knows of a job, except its logs and images."""

    exported_at: datetime
    job: Job
    rna_overrides: list[str]
    archived_at: datetime | None = None
    statistics: ArchivedStatistics
    tasks: list[Task]
    """Empty for an archived job."""
