"""Comments on jobs and workers."""

from fastapi import APIRouter

from manager_api.comments.store import Subject
from manager_api.contract.comments import Comment, CommentList, CommentRequest
from manager_api.web.auth import Caller, Commenting, Reading
from manager_api.web.dependencies import Comments
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import CommentId, JobId, WorkerId
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1",
    tags=["comments"],
    responses=ERROR,
)


@router.get("/jobs/{job_id}/comments", operation_id="getJobComments", dependencies=[Reading])
async def get_job_comments(job_id: JobId, caller: Caller, comments: Comments) -> CommentList:
    """Return the comments on a job, the oldest first. The text of a comment is Markdown."""
    return await comments.all(Subject(job_id=job_id), caller)


@router.post(
    "/jobs/{job_id}/comments",
    operation_id="commentOnJob",
    dependencies=[Commenting],
    status_code=201,
)
async def comment_on_job(
    job_id: JobId, asked: CommentRequest, caller: Caller, comments: Comments
) -> Comment:
    return await comments.add(Subject(job_id=job_id), caller, asked.text)


@router.get(
    "/workers/{worker_id}/comments", operation_id="getWorkerComments", dependencies=[Reading]
)
async def get_worker_comments(
    worker_id: WorkerId, caller: Caller, comments: Comments
) -> CommentList:
    """Return the comments on a worker, the oldest first. The text of a comment is Markdown."""
    return await comments.all(Subject(worker_id=worker_id), caller)


@router.post(
    "/workers/{worker_id}/comments",
    operation_id="commentOnWorker",
    dependencies=[Commenting],
    status_code=201,
)
async def comment_on_worker(
    worker_id: WorkerId, asked: CommentRequest, caller: Caller, comments: Comments
) -> Comment:
    return await comments.add(Subject(worker_id=worker_id), caller, asked.text)


@router.put("/comments/{comment_id}", operation_id="editComment", dependencies=[Commenting])
async def edit_comment(
    comment_id: CommentId, asked: CommentRequest, caller: Caller, comments: Comments
) -> Comment:
    """Change the text of a comment. Only its author may."""
    return await comments.edit(comment_id, caller, asked.text)


@router.delete(
    "/comments/{comment_id}",
    operation_id="deleteComment",
    dependencies=[Commenting],
    status_code=204,
)
async def delete_comment(comment_id: CommentId, caller: Caller, comments: Comments) -> None:
    """Delete a comment. Its author may, and wranglers may delete each one."""
    await comments.delete(comment_id, caller)
