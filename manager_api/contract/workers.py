"""Flamenco's interface: workers, as they register and sign on, and as users see them."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, FailFast, Field

from manager_api.contract.base import Answer, Line, Request, at_most
from manager_api.contract.tasks import TaskSummary
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import NAMED


def _is_a_status(status: WorkerStatus) -> WorkerStatus:
    if status not in NAMED:
        raise ValueError("the status is empty")
    return status


WorkerStatusWord = Annotated[WorkerStatus, Field(strict=False), AfterValidator(_is_a_status)]


TaskTypes = Annotated[list[Line], FailFast(), at_most(100, "task types")]


class WorkerRegistration(Request):
    name: Line
    secret: Line
    platform: Annotated[str, Field(max_length=64)]
    supported_task_types: TaskTypes


class RegisteredWorker(Answer):
    uuid: str
    name: str
    address: str
    status: WorkerStatus
    platform: str
    software: str
    supported_task_types: list[str]


class WorkerSignOn(Request):
    name: Line
    supported_task_types: TaskTypes
    software_version: Line
    can_restart: bool = False


class WorkerStateChange(Answer):
    status_requested: WorkerStatus


class WorkerStatusChangeRequest(Request):
    status: WorkerStatusWord
    is_lazy: bool


class WorkerStatusChange(Answer):
    status: WorkerStatus
    is_lazy: bool


class WorkerTag(Answer):
    id: str
    name: str
    description: str | None = None


class WorkerSummary(Answer):
    id: str
    name: str
    status: WorkerStatus
    version: str
    can_restart: bool
    status_change: WorkerStatusChange | None = None
    last_seen: datetime | None = None


class WorkerList(Answer):
    workers: list[WorkerSummary]


class WorkerTask(TaskSummary):
    job_id: str


class Worker(WorkerSummary):
    ip_address: str
    platform: str
    supported_task_types: list[str]
    task: WorkerTask | None = None
    tags: list[WorkerTag] | None = None
