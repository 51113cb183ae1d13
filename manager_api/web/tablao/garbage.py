"""Shaman's garbage collection on demand, for `tablao shaman gc`."""

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter

from manager_api.contract.base import Answer, Request
from manager_api.contract.meta import Error
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts

_DISABLED: dict[int | str, dict[str, Any]] = {
    503: {"model": Error, "description": "Shaman is not enabled"}
}

router = APIRouter(
    prefix="/api/tablao/v1/shaman",
    tags=["shaman"],
    dependencies=[Anybody],
    responses={"default": {"model": Error}, **_DISABLED},
)


class GarbageCollectionRequest(Request):
    is_trial: bool = False
    """Only count."""


class GarbageCollected(Answer):
    deleted_files: int
    deleted_bytes: int
    kept_in_use: int
    kept_recent: int


@router.post("/collect-garbage", operation_id="collectGarbage")
async def collect_garbage(asked: GarbageCollectionRequest, parts: Parts) -> GarbageCollected:
    parts.shaman.check_enabled()
    found = await parts.shaman.collect_garbage(is_trial=asked.is_trial)
    return GarbageCollected(**asdict(found))
