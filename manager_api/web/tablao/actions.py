"""Actions on jobs and tasks by their own names."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from manager_api.contract.base import Reason, Request
from manager_api.contract.meta import Error
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Jobs, Tasks
from manager_api.web.parameters import JobId, TaskId
from workflows.domain.messages import JobAction, TaskAction

router = APIRouter(
    prefix="/api/tablao/v1",
    tags=["actions"],
    dependencies=[Anybody],
    responses={
        404: {"model": Error},
        422: {"model": Error, "description": "Not possible in the current status"},
    },
)


class JobActionRequest(Request):
    action: Annotated[JobAction, Field(strict=False)]
    reason: Reason = ""


class TaskActionRequest(Request):
    action: Annotated[TaskAction, Field(strict=False)]
    reason: Reason = ""


@router.post("/jobs/{job_id}/actions", operation_id="actOnJob", status_code=204)
async def act_on_job(job_id: JobId, asked: JobActionRequest, jobs: Jobs) -> None:
    await jobs.act(job_id, asked.action, asked.reason)


@router.post("/tasks/{task_id}/actions", operation_id="actOnTask", status_code=204)
async def act_on_task(task_id: TaskId, asked: TaskActionRequest, tasks: Tasks) -> None:
    await tasks.act(task_id, asked.action, asked.reason)
