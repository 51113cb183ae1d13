"""Rendered frames, for the sequence viewer."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from activities.images.pictures import NoPreview
from manager_api.contract.frames import FrameSequence
from manager_api.images.frame_images import WIDTHS
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Frames
from manager_api.web.parameters import JobId
from manager_api.web.responses import Responses, without_body

#: The address changes when the frame changes, so clients may keep a frame for a while.
_KEPT = "private, max-age=3600"

_FRAME: Responses = {
    200: {"description": "The frame as JPEG", "content": {"image/jpeg": {}}},
    **without_body(204, "The file cannot be shown as an image, or not yet"),
    **without_body(304, "The frame is the one that the client has"),
}

router = APIRouter(prefix="/api/tablao/v1/jobs", tags=["jobs"], dependencies=[Reading])


@router.get("/{job_id}/frames", operation_id="listFrames")
async def list_frames(job_id: JobId, frames: Frames) -> FrameSequence:
    """Return the frames that the job's settings name, and their files in the shared storage."""
    return await frames.sequence(job_id)


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
