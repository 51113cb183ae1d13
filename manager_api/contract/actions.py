"""Our interface: actions on jobs and tasks by their own names."""

from typing import Annotated

from pydantic import Field

from manager_api.contract.base import Reason, Request
from workflows.domain.messages import FramesOnRequeue, JobAction, TaskAction


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
