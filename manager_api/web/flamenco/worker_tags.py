"""Flamenco's operations on worker tags."""

from fastapi import APIRouter

from manager_api.contract.worker_management import WorkerTagList, WorkerTagRequest
from manager_api.contract.workers import WorkerTag
from manager_api.web.auth import ChangingWorkers, ForSubmission
from manager_api.web.dependencies import WorkerTags
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import WorkerTagId, valid_id
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/worker-mgt",
    tags=["worker-mgt"],
    responses=ERROR,
)


@router.get("/tags", operation_id="fetchWorkerTags", dependencies=[ForSubmission])
async def fetch_worker_tags(tags: WorkerTags) -> WorkerTagList:
    return await tags.all()


@router.post("/tags", operation_id="createWorkerTag", dependencies=[ChangingWorkers])
async def create_worker_tag(asked: WorkerTagRequest, tags: WorkerTags) -> WorkerTag:
    tag_id = valid_id(asked.id, "tag ID") if asked.id else None
    return await tags.create(asked, tag_id)


@router.get("/tag/{tag_id}", operation_id="fetchWorkerTag", dependencies=[ForSubmission])
async def fetch_worker_tag(tag_id: WorkerTagId, tags: WorkerTags) -> WorkerTag:
    return await tags.get(tag_id)


@router.put(
    "/tag/{tag_id}", operation_id="updateWorkerTag", dependencies=[ChangingWorkers], status_code=204
)
async def update_worker_tag(tag_id: WorkerTagId, asked: WorkerTagRequest, tags: WorkerTags) -> None:
    await tags.update(tag_id, asked)


@router.delete(
    "/tag/{tag_id}", operation_id="deleteWorkerTag", dependencies=[ChangingWorkers], status_code=204
)
async def delete_worker_tag(tag_id: WorkerTagId, tags: WorkerTags, force: bool = False) -> None:
    """Delete a tag. A tag of unfinished jobs needs `force`, which Flamenco does not have."""
    await tags.delete(tag_id, force=force)
