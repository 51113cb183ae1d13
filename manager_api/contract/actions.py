"""Our interface: actions on jobs and tasks by their own names."""

from typing import Annotated

from pydantic import Field

from manager_api.contract.base import Reason, Request
from workflows.domain.messages import JobAction, TaskAction


class JobActionRequest(Request):
    action: Annotated[JobAction, Field(strict=False)]
    reason: Reason = ""


class TaskActionRequest(Request):
    action: Annotated[TaskAction, Field(strict=False)]
    reason: Reason = ""
