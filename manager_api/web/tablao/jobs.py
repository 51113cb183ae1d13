"""Jobs and their tasks as Tablao lists them, and the project of a job."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from manager_api.contract.farm_jobs import FarmJob, FarmJobList, FarmTaskList, JobProject
from manager_api.web.auth import ChangingJob, Reading
from manager_api.web.dependencies import Jobs
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, NOT_FOUND, refusal

#: The most jobs in an answer that does not have all.
MOST_JOBS = 500
#: The most tasks in an answer: more would keep the event loop and a page busy for too long.
MOST_TASKS = 2000

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/jobs",
    tags=["jobs"],
    responses=ERROR,
)


@router.get("", operation_id="getJobs", dependencies=[Reading], response_model=FarmJobList)
async def get_jobs(
    jobs: Jobs, limit: Annotated[int | None, Query(ge=1, le=MOST_JOBS)] = None
) -> Response:
    """Return the jobs that are not archived, newest first; all of them without a limit."""
    text = await (jobs.farm_jobs() if limit is None else jobs.newest_farm_jobs(limit))
    return Response(text, media_type="application/json")


@router.get(
    "/{job_id}",
    operation_id="getJob",
    dependencies=[Reading],
    response_model_exclude_none=True,
    responses=NOT_FOUND,
)
async def get_job(job_id: JobId, jobs: Jobs) -> FarmJob:
    return await jobs.farm_job(job_id)


@router.get(
    "/{job_id}/tasks",
    operation_id="getJobTasks",
    dependencies=[Reading],
    response_model=FarmTaskList,
    responses=NOT_FOUND,
)
async def get_job_tasks(
    job_id: JobId,
    jobs: Jobs,
    after: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST_TASKS)] = MOST_TASKS,
) -> Response:
    """Return tasks of a job, with an index above `after`, by ascending index."""
    return Response(await jobs.some_tasks(job_id, after, limit), media_type="application/json")


@router.put(
    "/{job_id}/project",
    operation_id="setJobProject",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_FOUND | refusal(422, "The job is archived or being deleted"),
)
async def set_job_project(job_id: JobId, asked: JobProject, jobs: Jobs) -> None:
    """Set the project of a job, for people and filters. Its tasks and files do not change."""
    await jobs.set_project(job_id, asked.project)
