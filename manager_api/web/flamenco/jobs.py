"""Flamenco's operations on jobs and tasks."""

from fastapi import APIRouter, Response
from fastapi.responses import PlainTextResponse

from manager_api.contract.errors import NotFound
from manager_api.contract.job_types import AvailableJobType, AvailableJobTypes
from manager_api.contract.jobs import (
    Job,
    JobPriorityChange,
    JobsQueryResult,
    JobStatusChange,
    SubmittedJob,
)
from manager_api.contract.tasks import JobTasksSummary, Task, TaskLogInfo, TaskStatusChange
from manager_api.job_types.registry import JobTypeUnknown
from manager_api.web.auth import Caller, ChangingJob, ForSubmission, Reading, Submitting
from manager_api.web.dependencies import Jobs, Parts, Tasks
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId, KnownTaskId, TaskId
from manager_api.web.responses import ERROR, NOT_POSSIBLE, refusal, without_body

_ETAG = refusal(412, "The job type has changed")
_NO_LOG = without_body(204, "There is no log")

router = APIRouter(route_class=JsonRoute, prefix="/api/v3", tags=["jobs"], responses=ERROR)


# Declared before any path with a job's id in this place: the first declaration wins.
@router.get(
    "/jobs/types",
    operation_id="getJobTypes",
    dependencies=[ForSubmission],
    response_model_exclude_none=True,
)
async def get_job_types(parts: Parts) -> AvailableJobTypes:
    job_types = await parts.job_types.all()
    return AvailableJobTypes(
        job_types=[AvailableJobType.model_validate(each.as_json()) for each in job_types]
    )


@router.get(
    "/jobs/type/{typeName}",
    operation_id="getJobType",
    dependencies=[ForSubmission],
    response_model_exclude_none=True,
)
async def get_job_type(
    typeName: str,  # noqa: N803 -- the contract's
    parts: Parts,
) -> AvailableJobType:
    try:
        job_type = await parts.job_types.get(typeName)
    except JobTypeUnknown as refusal:
        raise NotFound(str(refusal)) from refusal
    return AvailableJobType.model_validate(job_type.as_json())


@router.get(
    "/jobs", operation_id="fetchJobs", dependencies=[Reading], response_model=JobsQueryResult
)
async def fetch_jobs(jobs: Jobs) -> Response:
    return Response(await jobs.all(), media_type="application/json")


@router.post(
    "/jobs",
    operation_id="submitJob",
    dependencies=[Submitting],
    response_model_exclude_none=True,
    responses=_ETAG,
)
async def submit_job(submitted: SubmittedJob, jobs: Jobs, caller: Caller) -> Job:
    return await jobs.submit(submitted, caller.id)


@router.post(
    "/jobs/check",
    operation_id="submitJobCheck",
    dependencies=[Submitting],
    status_code=204,
    responses=_ETAG,
)
async def submit_job_check(submitted: SubmittedJob, jobs: Jobs) -> None:
    await jobs.check(submitted)


@router.get(
    "/jobs/{job_id}",
    operation_id="fetchJob",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def fetch_job(job_id: JobId, jobs: Jobs) -> Job:
    return await jobs.get(job_id)


@router.get(
    "/jobs/{job_id}/tasks",
    operation_id="fetchJobTasks",
    dependencies=[Reading],
    response_model=JobTasksSummary,
)
async def fetch_job_tasks(job_id: JobId, jobs: Jobs) -> Response:
    return Response(await jobs.tasks(job_id), media_type="application/json")


@router.post(
    "/jobs/{job_id}/setstatus",
    operation_id="setJobStatus",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_POSSIBLE,
)
async def set_job_status(job_id: JobId, change: JobStatusChange, jobs: Jobs) -> None:
    await jobs.set_status(job_id, change.status, change.reason)


@router.post(
    "/jobs/{job_id}/setpriority",
    operation_id="setJobPriority",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_POSSIBLE,
)
async def set_job_priority(job_id: JobId, change: JobPriorityChange, jobs: Jobs) -> None:
    await jobs.set_priority(job_id, change.priority)


@router.get(
    "/tasks/{task_id}",
    operation_id="fetchTask",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def fetch_task(task_id: TaskId, tasks: Tasks) -> Task:
    return await tasks.get(task_id)


@router.get(
    "/tasks/{task_id}/logtail",
    operation_id="fetchTaskLogTail",
    dependencies=[Reading],
    response_class=PlainTextResponse,
    responses=_NO_LOG,
)
async def fetch_task_log_tail(task_id: TaskId, tasks: Tasks) -> Response:
    tail = await tasks.log_tail(task_id)
    return PlainTextResponse(tail) if tail else Response(status_code=204)


@router.get(
    "/tasks/{task_id}/log",
    operation_id="fetchTaskLogInfo",
    dependencies=[Reading],
    response_model=TaskLogInfo,
    responses=_NO_LOG,
)
async def fetch_task_log_info(task_id: TaskId, tasks: Tasks) -> TaskLogInfo | Response:
    return await tasks.log_info(task_id) or Response(status_code=204)


@router.post(
    "/tasks/{task_id}/setstatus",
    operation_id="setTaskStatus",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_POSSIBLE,
)
async def set_task_status(task_id: KnownTaskId, change: TaskStatusChange, tasks: Tasks) -> None:
    await tasks.set_status(task_id, change.status, change.reason)
