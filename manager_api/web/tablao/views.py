"""Saved views of the dashboard's lists, personal and shared."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from manager_api.contract.meta import Error
from manager_api.contract.views import Owner, View, ViewRequest, Views
from manager_api.views.service import ViewService
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts
from manager_api.web.parameters import valid_id

router = APIRouter(
    prefix="/api/tablao/v1/views",
    tags=["views"],
    dependencies=[Anybody],
    responses={"default": {"model": Error}},
)


async def _service(parts: Parts) -> ViewService:
    return ViewService(parts.database)


async def _view_id(view_id: str) -> str:
    return valid_id(view_id, "view ID")


Service = Annotated[ViewService, Depends(_service)]
ViewId = Annotated[str, Depends(_view_id)]
Asker = Annotated[Owner, Query(description="Who asks: whose personal views there are besides")]


@router.get("", operation_id="getViews")
async def get_views(owner: Asker, views: Service) -> Views:
    """By name, of all pages: those that are shared, and the asker's own."""
    return await views.all(owner)


@router.post("", operation_id="createView", status_code=201)
async def create_view(asked: ViewRequest, views: Service) -> View:
    return await views.create(asked)


@router.put("/{view_id}", operation_id="changeView")
async def change_view(view_id: ViewId, asked: ViewRequest, views: Service) -> View:
    return await views.change(view_id, asked)


@router.delete("/{view_id}", operation_id="removeView", status_code=204)
async def remove_view(view_id: ViewId, owner: Asker, views: Service) -> None:
    await views.remove(view_id, owner)
