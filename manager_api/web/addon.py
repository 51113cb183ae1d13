"""Serves the Blender add-on: as a download, and as a repository from which Blender updates it."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import JSONResponse, RedirectResponse, Response

from manager_api.web.addon_package import listing_for, zip_for
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts
from manager_api.web.parameters import OurAddress

ADDRESS = "/tablao-addon.zip"
LISTING = "/addon/index.json"
#: The zip depends on the address by which the client found the manager, so it is not cached.
_NOT_KEPT = {"cache-control": "no-store"}

router = APIRouter(dependencies=[Anybody], include_in_schema=False)


@router.get(ADDRESS)
async def download_addon(address: OurAddress, parts: Parts) -> Response:
    content = await asyncio.to_thread(zip_for, address, parts.settings.own_authority)
    name = {"content-disposition": f'attachment; filename="{ADDRESS[1:]}"'}
    return Response(content, media_type="application/zip", headers=_NOT_KEPT | name)


@router.get("/flamenco-addon.zip")
@router.get("/flamenco3-addon.zip")
async def to_our_addon(parts: Parts) -> RedirectResponse:
    """Redirect from the addresses of Flamenco's add-on, which artists' notes and scripts use."""
    return RedirectResponse(f"{parts.settings.public_path}{ADDRESS}", 308)


@router.get(LISTING)
async def list_addon(address: OurAddress, parts: Parts) -> Response:
    authority = parts.settings.own_authority
    listing = await asyncio.to_thread(listing_for, address, authority, ADDRESS)
    return JSONResponse(listing, headers=_NOT_KEPT)
