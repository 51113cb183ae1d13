"""Saved views of the dashboard's lists, personal and shared."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.views import Owner, View, ViewRequest, Views
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import SavedViews
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import ViewId
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/views",
    tags=["views"],
    dependencies=[Anybody],
    responses=ERROR,
)


Asker = Annotated[Owner, Query(description="The asker; its personal views are visible too")]


@router.get("", operation_id="getViews")
async def get_views(owner: Asker, views: SavedViews) -> Views:
    """Return the shared views and the asker's own, of all pages, sorted by name."""
    return await views.all(owner)


@router.post("", operation_id="createView", status_code=201)
async def create_view(asked: ViewRequest, views: SavedViews) -> View:
    return await views.create(asked)


@router.put("/{view_id}", operation_id="changeView")
async def change_view(view_id: ViewId, asked: ViewRequest, views: SavedViews) -> View:
    return await views.change(view_id, asked)


@router.delete("/{view_id}", operation_id="removeView", status_code=204)
async def remove_view(view_id: ViewId, owner: Asker, views: SavedViews) -> None:
    await views.remove(view_id, owner)
