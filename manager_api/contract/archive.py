"""Our interface: archived jobs, and a job as one document."""

from datetime import datetime

from manager_api.contract.base import Answer
from manager_api.contract.jobs import Job
from manager_api.contract.tasks import Task
from workflows.domain.statuses import TaskStatus


class WorkerShare(Answer):
    worker: str
    """Its name; of tasks that nobody got, empty."""
    tasks: int
    steps: int


class ArchivedStatistics(Answer):
    """What a job's tasks came to, kept when they themselves are not."""

    tasks: dict[TaskStatus, int]
    steps_completed: int
    tries: int
    """More than there were tasks, if some were tried again."""
    memory_peak: int | None = None
    """Bytes that a task took at most, where workers told."""
    workers: list[WorkerShare]
    """The last worker of each task; most tasks first."""


class ArchivedJob(Job):
    archived_at: datetime
    statistics: ArchivedStatistics | None = None
    """Unset for a moment, until the tasks have gone."""


class ArchivedJobs(Answer):
    jobs: list[ArchivedJob]


class JobExport(Answer):
    """All that is known of a job, but for its logs and images."""

    exported_at: datetime
    job: Job
    rna_overrides: list[str]
    archived_at: datetime | None = None
    statistics: ArchivedStatistics
    tasks: list[Task]
    """None of an archived job."""
