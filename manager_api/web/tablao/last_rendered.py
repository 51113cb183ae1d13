"""The images that the farm rendered last, one for each job."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.last_rendered import RecentImages
from manager_api.web.auth import Reading
from manager_api.web.dependencies import LastRenderedImages

router = APIRouter(prefix="/api/tablao/v1/last-rendered", tags=["jobs"], dependencies=[Reading])


@router.get("", operation_id="listLastRendered")
async def list_last_rendered(
    images: LastRenderedImages, limit: Annotated[int, Query(ge=1, le=200)] = 60
) -> RecentImages:
    """Return the newest image of each job that changed lately, the newest image first."""
    return await images.recent(limit)
