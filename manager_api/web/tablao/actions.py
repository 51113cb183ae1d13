"""Actions on jobs and tasks by their own names."""

from fastapi import APIRouter

from manager_api.contract.actions import JobActionRequest, TaskActionRequest
from manager_api.web.auth import ChangingJob
from manager_api.web.dependencies import Jobs, Tasks
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId, TaskId
from manager_api.web.responses import NOT_FOUND, NOT_POSSIBLE
from workflows.domain.messages import Change

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1",
    tags=["actions"],
    dependencies=[ChangingJob],
    responses=NOT_FOUND | NOT_POSSIBLE,
)


@router.post("/jobs/{job_id}/actions", operation_id="actOnJob", status_code=204)
async def act_on_job(job_id: JobId, asked: JobActionRequest, jobs: Jobs) -> None:
    await jobs.act(job_id, Change(action=asked.action, reason=asked.reason, frames=asked.frames))


@router.post("/tasks/{task_id}/actions", operation_id="actOnTask", status_code=204)
async def act_on_task(task_id: TaskId, asked: TaskActionRequest, tasks: Tasks) -> None:
    change = Change(task_action=asked.action, reason=asked.reason, frames=asked.frames)
    await tasks.act(task_id, change)
