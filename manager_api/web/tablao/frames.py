"""Rendered frames, for the sequence viewer."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response

from activities.images.pictures import NoPreview
from manager_api.contract.frames import FrameSequence, FrameTasks, FrameVersions
from manager_api.images.frame_images import WIDTHS
from manager_api.jobs.frame_tasks import frame_tasks
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Frames, Parts
from manager_api.web.parameters import JobId
from manager_api.web.responses import ERROR, Responses, without_body

#: The address changes when the frame changes, so clients may keep a frame for a while.
_KEPT = "private, max-age=3600"

_FRAME: Responses = {
    200: {"description": "The frame as JPEG", "content": {"image/jpeg": {}}},
    **without_body(204, "The file cannot be shown as an image, or not yet"),
    **without_body(304, "The frame is the one that the client has"),
}

_VERSION: Responses = {
    200: {"description": "The picture as JPEG", "content": {"image/jpeg": {}}},
    **ERROR,
}
_CONTENT = r"^[0-9a-f]{1,16}\.[0-9a-f]{1,16}$"

router = APIRouter(prefix="/api/tablao/v1/jobs", tags=["jobs"], dependencies=[Reading])


@router.get("/{job_id}/frames", operation_id="listFrames")
async def list_frames(job_id: JobId, frames: Frames) -> FrameSequence:
    """Return the frames that the job's settings name, and their files in the shared storage."""
    return await frames.sequence(job_id)


@router.get("/{job_id}/frame-tasks", operation_id="getFrameTasks", responses=ERROR)
async def get_frame_tasks(job_id: JobId, parts: Parts) -> FrameTasks:
    """Return which task renders which frames, and how long it took: at most 10,000 frames."""
    return await frame_tasks(parts.database, job_id)


@router.get("/{job_id}/frames/{frame}/versions", operation_id="listFrameVersions", responses=ERROR)
async def list_frame_versions(job_id: JobId, frame: int, frames: Frames) -> FrameVersions:
    """Return earlier pictures of a frame that was rendered again, at most five."""
    return await frames.versions(job_id, frame)


@router.get(
    "/{job_id}/frames/{frame}/versions/{version}",
    operation_id="fetchFrameVersion",
    response_class=Response,
    responses=_VERSION,
)
async def fetch_frame_version(
    job_id: JobId,
    frame: int,
    version: Annotated[str, Path(pattern=_CONTENT)],
    frames: Frames,
) -> Response:
    """Return an earlier picture of a frame as JPEG, in the largest size that is kept."""
    jpeg = await frames.version(job_id, frame, version)
    return Response(jpeg, media_type="image/jpeg", headers={"cache-control": _KEPT})


@router.get(
    "/{job_id}/frames/{frame}",
    operation_id="fetchFrame",
    response_class=Response,
    responses=_FRAME,
)
async def fetch_frame(
    job_id: JobId,
    frame: int,
    frames: Frames,
    request: Request,
    width: Annotated[int, Query(ge=1, le=16_384)] = WIDTHS[-1],
) -> Response:
    """Return a frame as JPEG, at most `width` pixels wide.

    `width` is rounded up to 320, 640, 1280 or 1920 pixels. OpenEXR is tone-mapped.
    """
    path, key = await frames.file(job_id, frame)
    headers = {"etag": f'"{key}"', "cache-control": _KEPT}
    if headers["etag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    try:
        jpeg = await frames.picture(path, key, width)
    except NoPreview:
        return Response(status_code=204, headers={"cache-control": "no-store"})
    return Response(jpeg, media_type="image/jpeg", headers=headers)
