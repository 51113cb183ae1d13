"""A task's log, try by try. Flamenco's interface has all tries as one text."""

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import Response, StreamingResponse

from manager_api.contract.job_details import TaskLogTries
from manager_api.web.auth import Reading
from manager_api.web.dependencies import Tasks
from manager_api.web.parameters import TaskId
from manager_api.web.responses import ERROR, Responses, without_body

#: More tries than any task has.
_MOST_TRIES = 1_000_000

_LOG: Responses = {
    200: {"description": "The log as text", "content": {"text/plain": {}}},
    **without_body(204, "There is no log of this try"),
}

router = APIRouter(
    prefix="/api/tablao/v1/tasks", tags=["jobs"], responses=ERROR, dependencies=[Reading]
)


@router.get("/{task_id}/log", operation_id="getLogTries")
async def get_log_tries(task_id: TaskId, tasks: Tasks) -> TaskLogTries:
    """Return the tries of a task whose logs are kept, the newest first."""
    return await tasks.log_tries(task_id)


@router.get(
    "/{task_id}/log/{attempt}",
    operation_id="fetchLogOfTry",
    response_class=Response,
    responses=_LOG,
)
async def fetch_log_of_try(
    task_id: TaskId, attempt: Annotated[int, Path(ge=0, le=_MOST_TRIES)], tasks: Tasks
) -> Response:
    """Return the log of one try of a task, as far as it is kept."""
    log = await tasks.log_of_try(task_id, attempt)
    if not log.size:
        return Response(status_code=204)
    return StreamingResponse(
        log.blocks,
        media_type="text/plain; charset=utf-8",
        headers={"Content-Length": str(log.size)},
    )
