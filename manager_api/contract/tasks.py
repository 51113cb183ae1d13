"""Flamenco's interface: tasks."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from manager_api.contract.base import Answer, Reason, Request
from workflows.domain.statuses import TaskStatus

TaskStatusWord = Annotated[TaskStatus, Field(strict=False)]


class TaskWorker(Answer):
    """A task's worker. The texts are empty if the task has no worker."""

    id: str = ""
    name: str = ""
    address: str = ""


class Command(Answer):
    name: str
    parameters: dict[str, Any]
    total_step_count: int


class TaskSummary(Answer):
    id: str
    name: str
    status: TaskStatus
    index_in_job: int
    priority: int
    task_type: str
    updated: datetime
    steps_completed: int
    steps_total: int
    worker: TaskWorker | None = None


class JobTasksSummary(Answer):
    tasks: list[TaskSummary]


class Task(Answer):
    id: str
    created: datetime
    updated: datetime
    job_id: str
    index_in_job: int
    name: str
    status: TaskStatus
    priority: int
    task_type: str
    activity: str
    commands: list[Command]
    steps_completed: int
    steps_total: int
    worker: TaskWorker
    last_touched: datetime | None = None
    failed_by_workers: list[TaskWorker]


class TaskLogInfo(Answer):
    task_id: str
    job_id: str
    url: str
    size: int


class TaskStatusChange(Request):
    status: TaskStatusWord
    reason: Reason
