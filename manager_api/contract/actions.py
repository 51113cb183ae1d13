"""Our interface: actions on jobs and tasks by their own names."""

from typing import Annotated, Literal

from pydantic import Field

from manager_api.contract.base import Answer, Reason, Request
from workflows.domain.messages import FramesOnRequeue, JobAction, TaskAction
from workflows.domain.statuses import TaskStatus


class JobActionRequest(Request):
    action: Annotated[JobAction, Field(strict=False)]
    reason: Reason = ""
    frames: Annotated[FramesOnRequeue | None, Field(strict=False)] = None
    """With `requeue` and `requeue-failed`: whether frames that are there are kept or rendered
    again. Unset: completed tasks render them again, other ones keep them."""


class TaskActionRequest(Request):
    action: Annotated[TaskAction, Field(strict=False)]
    reason: Reason = ""
    frames: Annotated[FramesOnRequeue | None, Field(strict=False)] = None
    """With `requeue`, as for jobs."""


class PossibleAction(Answer):
    action: JobAction | Literal["archive", "delete"]
    tasks: dict[TaskStatus, int]
    """How many tasks run again, by their present status; empty if the action requeues none."""


class PossibleActions(Answer):
    may_change: bool
    """Whether the caller may change this job."""
    actions: list[PossibleAction]
    """The actions that the job can take now, from a caller that may change it."""
