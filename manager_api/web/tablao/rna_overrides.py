"""The values of Blender properties that override those in a job's Blender file."""

from fastapi import APIRouter

from manager_api.contract.rna_overrides import RnaOverrides, RnaOverridesRequest
from manager_api.web.auth import ChangingJob, Reading
from manager_api.web.dependencies import JobOverrides
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import JobId
from manager_api.web.responses import NOT_FOUND, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/jobs/{job_id}/rna-overrides",
    tags=["jobs"],
    responses=NOT_FOUND,
)


@router.get("", operation_id="getRnaOverrides", dependencies=[Reading])
async def get_rna_overrides(job_id: JobId, overrides: JobOverrides) -> RnaOverrides:
    return await overrides.get(job_id)


@router.put(
    "",
    operation_id="setRnaOverrides",
    dependencies=[ChangingJob],
    responses=refusal(400, "Lines are not assignments; the message has `Line N: reason` for each")
    | refusal(422, "The job is archived or being deleted"),
)
async def set_rna_overrides(
    job_id: JobId, asked: RnaOverridesRequest, overrides: JobOverrides
) -> RnaOverrides:
    """Replace a job's overrides. They count for tasks that begin from now on."""
    return await overrides.change(job_id, asked.overrides)
