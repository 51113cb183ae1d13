"""Jobs as Tablao lists them, with the counts of their tasks, and the project of a job."""

from fastapi import APIRouter, Response

from manager_api.contract.farm_jobs import FarmJob, FarmJobList, JobProject
from manager_api.web.auth import ChangingJob, Reading
from manager_api.web.dependencies import Jobs
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, NOT_FOUND, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/jobs",
    tags=["jobs"],
    responses=ERROR,
)


@router.get("", operation_id="getJobs", dependencies=[Reading], response_model=FarmJobList)
async def get_jobs(jobs: Jobs) -> Response:
    """Return all jobs that are not archived, newest first."""
    return Response(await jobs.farm_jobs(), media_type="application/json")


@router.get(
    "/{job_id}",
    operation_id="getJob",
    dependencies=[Reading],
    response_model_exclude_none=True,
    responses=NOT_FOUND,
)
async def get_job(job_id: JobId, jobs: Jobs) -> FarmJob:
    return await jobs.farm_job(job_id)


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
