"""Flamenco's operations that delete jobs."""

from fastapi import APIRouter

from manager_api.contract.deletion import JobDeletionInfo, JobMassDeletionSelection
from manager_api.web.auth import ChangingJob, ChangingJobs, Reading
from manager_api.web.dependencies import Deletions
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, NOT_POSSIBLE, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/jobs",
    tags=["jobs"],
    responses=ERROR,
)


# Declared before any path with a job's id in this place: the first declaration wins.
@router.delete(
    "/mass-delete",
    operation_id="deleteJobMass",
    dependencies=[ChangingJobs],
    status_code=204,
    responses=refusal(416, "No such job"),
)
async def delete_job_mass(selection: JobMassDeletionSelection, deletions: Deletions) -> None:
    await deletions.request_all(selection.last_updated_max)


@router.delete(
    "/{job_id}",
    operation_id="deleteJob",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_POSSIBLE,
)
async def delete_job(job_id: JobId, deletions: Deletions) -> None:
    await deletions.request(job_id)


@router.get(
    "/{job_id}/what-would-delete-do", operation_id="deleteJobWhatWouldItDo", dependencies=[Reading]
)
async def delete_job_what_would_it_do(job_id: JobId, deletions: Deletions) -> JobDeletionInfo:
    return await deletions.what_would_it_do(job_id)
