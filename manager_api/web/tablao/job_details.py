"""A job's times and history, a task's tries, and requeueing with changes."""

from typing import Annotated

from fastapi import APIRouter, Depends

from manager_api.contract.job_details import (
    JobHistory,
    JobProgress,
    JobTimes,
    Recompilation,
    RecompileRequest,
    TaskTries,
)
from manager_api.contract.meta import Error
from manager_api.jobs.details import JobDetailService
from manager_api.jobs.recompilation import RecompilationService
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts
from manager_api.web.parameters import JobId, TaskId

router = APIRouter(
    prefix="/api/tablao/v1",
    tags=["jobs"],
    dependencies=[Anybody],
    responses={"default": {"model": Error}},
)


async def _details(parts: Parts) -> JobDetailService:
    return JobDetailService(parts.database)


async def _recompilations(parts: Parts) -> RecompilationService:
    return RecompilationService(
        parts.database, parts.job_types, parts.control, parts.configuration.variables
    )


Details = Annotated[JobDetailService, Depends(_details)]
Recompilations = Annotated[RecompilationService, Depends(_recompilations)]


@router.get("/jobs/{job_id}/statistics", operation_id="getJobTimes")
async def get_job_times(job_id: JobId, details: Details) -> JobTimes:
    """How long each completed task took, and each worker for a step."""
    return await details.times(job_id)


@router.get("/jobs/{job_id}/progress", operation_id="getJobProgress")
async def get_job_progress(job_id: JobId, parts: Parts, details: Details) -> JobProgress:
    """The frames that are being rendered at this moment, and their samples."""
    return await details.progress(job_id, parts.hosts)


@router.get("/jobs/{job_id}/history", operation_id="getJobHistory")
async def get_job_history(job_id: JobId, details: Details) -> JobHistory:
    """Changes of its status, and failures of its tasks."""
    return await details.history(job_id)


@router.post("/jobs/{job_id}/recompile", operation_id="recompileJob")
async def recompile_job(
    job_id: JobId, asked: RecompileRequest, recompilations: Recompilations
) -> Recompilation:
    """Requeue with changes: tasks that stay alike and are completed are kept, the rest is new."""
    return await recompilations.recompile(job_id, asked.settings)


@router.get("/tasks/{task_id}/tries", operation_id="getTaskTries")
async def get_task_tries(task_id: TaskId, details: Details) -> TaskTries:
    return await details.tries(task_id)
