"""The Blender properties that a job's frames are rendered with, other than its file has them."""

from fastapi import APIRouter

from manager_api.contract.rna_overrides import RnaOverrides, RnaOverridesRequest
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import JobOverrides
from manager_api.web.parameters import JobId
from manager_api.web.responses import NOT_FOUND, refusal

router = APIRouter(
    prefix="/api/tablao/v1/jobs/{job_id}/rna-overrides",
    tags=["jobs"],
    dependencies=[Anybody],
    responses=NOT_FOUND,
)


@router.get("", operation_id="getRnaOverrides")
async def get_rna_overrides(job_id: JobId, overrides: JobOverrides) -> RnaOverrides:
    return await overrides.get(job_id)


@router.put(
    "",
    operation_id="setRnaOverrides",
    responses=refusal(400, "Not assignments: `Line N: reason`, a line for each")
    | refusal(422, "The job is archived or being deleted"),
)
async def set_rna_overrides(
    job_id: JobId, asked: RnaOverridesRequest, overrides: JobOverrides
) -> RnaOverrides:
    """Count for every task that is begun from now on; what runs keeps what it began with."""
    return await overrides.change(job_id, asked.overrides)
