"""Flamenco's interface: the tasks of HTTP workers."""

from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from manager_api.contract.base import Answer, Integer, Request, check_storable
from manager_api.contract.tasks import Command, TaskStatusWord
from manager_api.contract.workers import WorkerStatusWord
from workflows.domain.statuses import TaskStatus

#: The largest number that the database can hold.
_MOST_STEPS = 2**31 - 1


def _in_range(steps: int) -> int:
    return min(max(steps, 0), _MOST_STEPS)


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
    """A worker's report about its task. All fields are optional.

    Workers do not repeat a refused report, which may tell the end of the task. So characters of a
    program's output that cannot be stored are replaced, and numbers out of range are put into it.
    """

    task_status: TaskStatusWord | None = Field(default=None, alias="taskStatus")
    activity: str | None = None
    log: str | None = None
    steps_completed: Annotated[Integer, AfterValidator(_in_range)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, body: Any) -> Any:
        if isinstance(body, dict):
            written = {name: body[name] for name in ("activity", "log") if name in body}
            body = body | {name: _storable(text) for name, text in written.items()}
        check_storable(body)
        return body


def _storable(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    without_nul = text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    return without_nul.encode("utf-8", "replace").decode()


class MayKeepRunning(Answer):
    may_keep_running: bool = Field(serialization_alias="mayKeepRunning")
    reason: str
    status_change_requested: bool = Field(serialization_alias="statusChangeRequested")
