"""Archived jobs, and jobs as documents."""

from fastapi import APIRouter, Response

from manager_api.contract.archive import ArchivedJob, ArchivedJobs, JobExport
from manager_api.web.auth import ChangingJob, Reading
from manager_api.web.dependencies import Archives
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, NOT_POSSIBLE

router = APIRouter(
    prefix="/api/tablao/v1",
    tags=["archive"],
    responses=ERROR,
)


@router.post(
    "/jobs/{job_id}/archive",
    operation_id="archiveJob",
    dependencies=[ChangingJob],
    status_code=204,
    responses=NOT_POSSIBLE,
)
async def archive_job(job_id: JobId, archives: Archives) -> None:
    """Archive a job: keep its definition, statistics and last image, delete its tasks and logs.

    This cannot be undone.
    """
    await archives.archive(job_id)


@router.get(
    "/jobs/{job_id}/export",
    operation_id="exportJob",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def export_job(job_id: JobId, archives: Archives, response: Response) -> JobExport:
    """Return all that the manager knows of a job, as a file to keep."""
    response.headers["Content-Disposition"] = f'attachment; filename="job-{job_id}.json"'
    return await archives.export(job_id)


@router.get(
    "/archived-jobs",
    operation_id="getArchivedJobs",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def get_archived_jobs(archives: Archives) -> ArchivedJobs:
    """Return the archived jobs, the last archived first. Flamenco's fetchJobs omits them."""
    return await archives.all()


@router.get(
    "/archived-jobs/{job_id}",
    operation_id="getArchivedJob",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def get_archived_job(job_id: JobId, archives: Archives) -> ArchivedJob:
    return await archives.get(job_id)
