"""Blender's add-on: to download, and as a repository from which Blender updates it."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, RedirectResponse, Response

from manager_api.web.addon_package import listing_for, zip_for
from manager_api.web.auth import Anybody
from manager_api.web.parameters import OurAddress

ADDRESS = "/tablao-addon.zip"
LISTING = "/addon/index.json"
#: Another address, another zip.
_NOT_KEPT = {"cache-control": "no-store"}

router = APIRouter(dependencies=[Anybody], include_in_schema=False)


@router.get(ADDRESS)
async def download_addon(address: OurAddress) -> Response:
    content = await asyncio.to_thread(zip_for, address)
    name = {"content-disposition": f'attachment; filename="{ADDRESS[1:]}"'}
    return Response(content, media_type="application/zip", headers=_NOT_KEPT | name)


@router.get("/flamenco-addon.zip")
@router.get("/flamenco3-addon.zip")
async def to_our_addon() -> RedirectResponse:
    """Where Flamenco's is, as artists' notes and scripts have it."""
    return RedirectResponse(ADDRESS, 308)


@router.get(LISTING)
async def list_addon(address: OurAddress) -> Response:
    listing = await asyncio.to_thread(listing_for, address, ADDRESS)
    return JSONResponse(listing, headers=_NOT_KEPT)
