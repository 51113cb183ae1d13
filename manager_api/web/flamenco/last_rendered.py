"""Flamenco's operations on the images that jobs rendered last."""

from fastapi import APIRouter, Response

from manager_api.contract.last_rendered import JobLastRenderedImageInfo
from manager_api.web.auth import Reading
from manager_api.web.dependencies import LastRenderedImages
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, without_body

_NO_IMAGE = without_body(204, "There is no image")

router = APIRouter(prefix="/api/v3/jobs", tags=["jobs"], dependencies=[Reading], responses=ERROR)


# Declared before any path with a job's id in this place: the first declaration wins.
@router.get(
    "/last-rendered",
    operation_id="fetchGlobalLastRenderedInfo",
    response_model=JobLastRenderedImageInfo,
    responses=_NO_IMAGE,
)
async def fetch_global_last_rendered_info(
    images: LastRenderedImages,
) -> JobLastRenderedImageInfo | Response:
    return await images.of_farm() or Response(status_code=204)


@router.get(
    "/{job_id}/last-rendered",
    operation_id="fetchJobLastRenderedInfo",
    response_model=JobLastRenderedImageInfo,
    responses=_NO_IMAGE,
)
async def fetch_job_last_rendered_info(
    job_id: JobId, images: LastRenderedImages
) -> JobLastRenderedImageInfo | Response:
    return await images.of_job(job_id) or Response(status_code=204)
