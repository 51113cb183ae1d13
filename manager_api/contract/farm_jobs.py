"""Our interface: jobs and their tasks as Tablao lists them, and the change of a job's project."""

from datetime import datetime
from typing import Annotated

from pydantic import Field

from manager_api.contract.base import Answer, Request
from manager_api.contract.jobs import Job
from manager_api.contract.tasks import TaskSummary
from workflows.domain.statuses import TaskStatus


class FarmJob(Job):
    task_counts: dict[TaskStatus, int]
    """How many of its tasks have each status; statuses that no task has are left out."""
    frame_s: float | None = None
    """The average seconds of a frame, of completed tasks; unset while none is known."""


class FarmJobList(Answer):
    jobs: list[FarmJob]
    total: int
    """How many jobs there are, those included that were not asked for."""


class FarmTask(TaskSummary):
    silent_since: datetime | None = None
    """The last sign of life of a task that is stuck; unset for all others."""


class FarmTaskList(Answer):
    tasks: list[FarmTask]
    total: int
    """How many tasks the job has, those included that were not asked for."""


class JobProject(Request):
    project: Annotated[str, Field(max_length=255)]
    """Empty: the job is of no project."""
