"""Flamenco's interface: the tasks of workers that speak HTTP."""

from pydantic import Field

from manager_api.contract.base import Answer, Integer, Request
from manager_api.contract.tasks import Command, TaskStatusWord
from manager_api.contract.workers import WorkerStatusWord
from workflows.domain.statuses import TaskStatus


class WorkerStateChanged(Request):
    status: WorkerStatusWord


class AssignedTask(Answer):
    uuid: str
    job: str
    name: str
    status: TaskStatus
    priority: int
    job_priority: int
    job_type: str
    task_type: str
    commands: list[Command]
    steps_completed: int
    steps_total: int


class TaskUpdate(Request):
    """What a worker has to say of its task; nothing of it must be there."""

    task_status: TaskStatusWord | None = Field(default=None, alias="taskStatus")
    activity: str | None = None
    log: str | None = None
    steps_completed: Integer | None = None


class MayKeepRunning(Answer):
    may_keep_running: bool = Field(serialization_alias="mayKeepRunning")
    reason: str
    status_change_requested: bool = Field(serialization_alias="statusChangeRequested")
