"""Flamenco's operations on the workers that may serve a job: its tag and its blocklist."""

from fastapi import APIRouter

from manager_api.contract.worker_management import Blocks, JobBlocklistEntry, JobTagChange
from manager_api.web.auth import ChangingJob, Reading
from manager_api.web.dependencies import Blocklists, Jobs
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, refusal

_NO_TAG = refusal(406, "There is no such worker tag") | refusal(
    422, "The same, in Flamenco's document; its manager and this one answer 406"
)

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/jobs",
    tags=["jobs"],
    responses=ERROR,
)


@router.post(
    "/{job_id}/settag",
    operation_id="setJobTag",
    dependencies=[ChangingJob],
    status_code=204,
    responses=_NO_TAG,
)
async def set_job_tag(job_id: JobId, asked: JobTagChange, jobs: Jobs) -> None:
    await jobs.set_tag(job_id, asked)


@router.get(
    "/{job_id}/blocklist",
    operation_id="fetchJobBlocklist",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def fetch_job_blocklist(job_id: JobId, blocklists: Blocklists) -> list[JobBlocklistEntry]:
    return await blocklists.get(job_id)


@router.delete(
    "/{job_id}/blocklist",
    operation_id="removeJobBlocklist",
    dependencies=[ChangingJob],
    status_code=204,
)
async def remove_job_blocklist(job_id: JobId, entries: Blocks, blocklists: Blocklists) -> None:
    await blocklists.remove(job_id, entries)
