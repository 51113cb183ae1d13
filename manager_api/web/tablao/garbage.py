"""Shaman's garbage collection on demand, for `tablao shaman gc`."""

from dataclasses import asdict

from fastapi import APIRouter

from manager_api.contract.shaman import GarbageCollected, GarbageCollectionRequest
from manager_api.web.auth import ChangingJobs
from manager_api.web.dependencies import Parts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.responses import ERROR, refusal

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/shaman",
    tags=["shaman"],
    dependencies=[ChangingJobs],
    responses=ERROR | refusal(503, "Shaman is not enabled"),
)


@router.post("/collect-garbage", operation_id="collectGarbage")
async def collect_garbage(asked: GarbageCollectionRequest, parts: Parts) -> GarbageCollected:
    parts.shaman.check_enabled()
    found = await parts.shaman.collect_garbage(is_trial=asked.is_trial)
    return GarbageCollected(**asdict(found))
