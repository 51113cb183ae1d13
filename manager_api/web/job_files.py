"""Task logs and last-rendered images under Flamenco's addresses.

No text of a request reaches the file system: ids are parsed, file names are chosen from a list.
"""

import re

from fastapi import APIRouter
from fastapi.responses import FileResponse, Response, StreamingResponse

from manager_api.contract.errors import NotFound
from manager_api.images.scaling import SIZES
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Parts, Tasks
from manager_api.web.parameters import is_uuid

router = APIRouter(prefix="/job-files", dependencies=[Reading], include_in_schema=False)

#: Clients must check each time whether the image has changed, because its name stays the same.
_ASK_AGAIN = {"Cache-Control": "no-cache"}
_LOG = re.compile(r"task-(.{36})\.txt")


@router.get("/{bucket}/{job_id}/{name}")
async def fetch_job_file(
    bucket: str, job_id: str, name: str, parts: Parts, tasks: Tasks
) -> Response:
    if not is_uuid(job_id) or bucket != f"job-{job_id[:4]}":
        raise NotFound("no such file")
    if name in SIZES:
        path = parts.logs.job_directory(job_id.lower()) / name
        if path.is_file():
            return FileResponse(path, media_type="image/jpeg", headers=_ASK_AGAIN)
    elif (log := _LOG.fullmatch(name)) and is_uuid(log[1]):
        return await _log(log[1].lower(), job_id.lower(), tasks)
    raise NotFound("no such file")


async def _log(task_id: str, job_id: str, tasks: Tasks) -> Response:
    log = await tasks.log(task_id)
    if log.job_id != job_id or not log.size:
        raise NotFound("no such file")
    return StreamingResponse(
        log.blocks,
        media_type="text/plain; charset=utf-8",
        headers={"Content-Length": str(log.size)},
    )
