"""A job's times and history, a task's tries, and requeueing with changes."""

from fastapi import APIRouter

from manager_api.contract.actions import PossibleActions
from manager_api.contract.job_details import (
    JobHistory,
    JobProgress,
    JobReasons,
    JobTimes,
    Recompilation,
    RecompileRequest,
    SameOutput,
    TaskTries,
    TimesLeft,
)
from manager_api.web.auth import Caller, ChangingJob, Reading
from manager_api.web.dependencies import JobDetails, Jobs, Parts, Recompilations
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId, TaskId
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1",
    tags=["jobs"],
    responses=ERROR,
)


@router.get("/jobs/{job_id}/statistics", operation_id="getJobTimes", dependencies=[Reading])
async def get_job_times(job_id: JobId, details: JobDetails) -> JobTimes:
    """Return the time that each completed task took, and how long each worker takes for a step."""
    return await details.times(job_id)


@router.get("/time-left", operation_id="getTimesLeft", dependencies=[Reading])
async def get_times_left(parts: Parts) -> TimesLeft:
    """Return how long each active job still takes, where that is known."""
    return await parts.times_left.all()


@router.get("/jobs/{job_id}/progress", operation_id="getJobProgress", dependencies=[Reading])
async def get_job_progress(job_id: JobId, parts: Parts, details: JobDetails) -> JobProgress:
    """Return the frames that are being rendered at this moment, and their samples."""
    return await details.progress(job_id, parts.hosts)


@router.get("/jobs/{job_id}/actions", operation_id="getPossibleActions", dependencies=[Reading])
async def get_possible_actions(
    job_id: JobId, details: JobDetails, caller: Caller
) -> PossibleActions:
    """Return the actions that the job can take now, and how many tasks a requeue runs again."""
    return await details.actions(job_id, caller)


@router.get("/jobs/{job_id}/history", operation_id="getJobHistory", dependencies=[Reading])
async def get_job_history(job_id: JobId, details: JobDetails) -> JobHistory:
    """Return the changes of the job's status and the failures of its tasks."""
    return await details.history(job_id)


@router.get("/jobs/{job_id}/reasons", operation_id="getJobReasons", dependencies=[Reading])
async def get_job_reasons(job_id: JobId, details: JobDetails) -> JobReasons:
    """Return why tasks failed, or wait because of a machine; like reasons are one."""
    return await details.reasons(job_id)


@router.post("/jobs/{job_id}/recompile", operation_id="recompileJob", dependencies=[ChangingJob])
async def recompile_job(
    job_id: JobId, asked: RecompileRequest, recompilations: Recompilations
) -> Recompilation:
    """Requeue a job with changed settings. Completed tasks that do not change are kept."""
    return await recompilations.recompile(job_id, asked.settings)


@router.get(
    "/jobs/{job_id}/same-output", operation_id="getJobsWithSameOutput", dependencies=[Reading]
)
async def get_jobs_with_same_output(job_id: JobId, jobs: Jobs) -> SameOutput:
    """Return the unfinished jobs that write to the same files, and who does not see the files."""
    return await jobs.same_output(job_id)


@router.get("/tasks/{task_id}/tries", operation_id="getTaskTries", dependencies=[Reading])
async def get_task_tries(task_id: TaskId, details: JobDetails) -> TaskTries:
    return await details.tries(task_id)
