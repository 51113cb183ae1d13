"""Serves the API explorer. A package contains its files, so it works without the internet."""

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from manager_api.web.auth import Anybody

OPENAPI_URL = "/api/v3/openapi3.json"
EXPLORER_URL = "/api/v3/swagger-ui/"
ASSETS_URL = "/api/v3/swagger-ui/assets"

router = APIRouter(dependencies=[Anybody], include_in_schema=False)


@router.get(EXPLORER_URL.rstrip("/"))
async def to_explorer() -> RedirectResponse:
    return RedirectResponse(EXPLORER_URL, 308)


@router.get(EXPLORER_URL)
async def explorer() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=OPENAPI_URL,
        title="Tablao",
        swagger_js_url=f"{ASSETS_URL}/swagger-ui-bundle.js",
        swagger_css_url=f"{ASSETS_URL}/swagger-ui.css",
        swagger_favicon_url=f"{ASSETS_URL}/favicon.png",
    )


def assets() -> StaticFiles:
    return StaticFiles(packages=[("fastapi_offline", "static")])
