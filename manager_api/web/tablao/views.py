"""Saved views of the dashboard's lists, personal and shared."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.views import Owner, View, ViewRequest, Views
from manager_api.views.service import ViewService
from manager_api.web.auth import Caller, ChangingOwn, Reading
from manager_api.web.dependencies import SavedViews
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import ViewId
from manager_api.web.responses import ERROR
from workflows.domain.access import Identity

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/views",
    tags=["views"],
    responses=ERROR,
)


Asker = Annotated[Owner, Query(description="The asker; its personal views are visible too")]


@router.get("", operation_id="getViews", dependencies=[Reading])
async def get_views(owner: Asker, caller: Caller, views: SavedViews) -> Views:
    """Return the shared views and the asker's own, of all pages, sorted by name."""
    return await views.all(await views.owner(caller.id, owner))


@router.post("", operation_id="createView", dependencies=[ChangingOwn], status_code=201)
async def create_view(asked: ViewRequest, caller: Caller, views: SavedViews) -> View:
    return await views.create(await _of(caller, asked, views))


@router.put("/{view_id}", operation_id="changeView", dependencies=[ChangingOwn])
async def change_view(
    view_id: ViewId, asked: ViewRequest, caller: Caller, views: SavedViews
) -> View:
    return await views.change(view_id, await _of(caller, asked, views))


@router.delete("/{view_id}", operation_id="removeView", dependencies=[ChangingOwn], status_code=204)
async def remove_view(view_id: ViewId, owner: Asker, caller: Caller, views: SavedViews) -> None:
    await views.remove(view_id, await views.owner(caller.id, owner))


async def _of(caller: Identity, asked: ViewRequest, views: ViewService) -> ViewRequest:
    return asked.model_copy(update={"owner": await views.owner(caller.id, asked.owner)})
