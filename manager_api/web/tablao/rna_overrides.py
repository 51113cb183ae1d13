"""The Blender properties that a job's frames are rendered with, other than its file has them."""

from typing import Annotated

from fastapi import APIRouter, Depends

from manager_api.contract.meta import Error
from manager_api.contract.rna_overrides import RnaOverrides, RnaOverridesRequest
from manager_api.jobs.rna_overrides import RnaOverrideService
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts
from manager_api.web.parameters import JobId

router = APIRouter(
    prefix="/api/tablao/v1/jobs/{job_id}/rna-overrides",
    tags=["jobs"],
    dependencies=[Anybody],
    responses={404: {"model": Error}},
)


async def _overrides(parts: Parts) -> RnaOverrideService:
    return RnaOverrideService(parts.database)


Overrides = Annotated[RnaOverrideService, Depends(_overrides)]


@router.get("", operation_id="getRnaOverrides")
async def get_rna_overrides(job_id: JobId, overrides: Overrides) -> RnaOverrides:
    return await overrides.get(job_id)


@router.put(
    "",
    operation_id="setRnaOverrides",
    responses={
        400: {"model": Error, "description": "Not assignments: `Line N: reason`, a line for each"},
        422: {"model": Error, "description": "The job is archived or being deleted"},
    },
)
async def set_rna_overrides(
    job_id: JobId, asked: RnaOverridesRequest, overrides: Overrides
) -> RnaOverrides:
    """Count for every task that is begun from now on; what runs keeps what it began with."""
    return await overrides.change(job_id, asked.overrides)
