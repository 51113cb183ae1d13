"""Serves the API explorer. A package contains its files, so it works without the internet."""

import hashlib
import re
from base64 import b64encode

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles

from manager_api.web.auth import Reading
from manager_api.web.dependencies import Parts

OPENAPI_URL = "/api/v3/openapi3.json"
EXPLORER_URL = "/api/v3/swagger-ui/"
ASSETS_URL = "/api/v3/swagger-ui/assets"


def _source_of(script: bytes) -> str:
    return f"'sha256-{b64encode(hashlib.sha256(script).digest()).decode()}'"


#: Swagger UI's page has a script in it, which the policy names by its digest. Its addresses are
#: relative, so that they do not depend on the path of `public_url`.
_PAGE = get_swagger_ui_html(
    openapi_url="../openapi3.json",
    title="Tablao",
    swagger_js_url="assets/swagger-ui-bundle.js",
    swagger_css_url="assets/swagger-ui.css",
    swagger_favicon_url="assets/favicon.png",
).body
_SCRIPTS = re.findall(rb"<script>(.*?)</script>", _PAGE, re.DOTALL)
_POLICY = "; ".join(
    (
        "default-src 'self'",
        " ".join(("script-src 'self'", *map(_source_of, _SCRIPTS))),
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data:",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)

_ASSETS = StaticFiles(packages=[("fastapi_offline", "static")])

router = APIRouter(dependencies=[Reading], include_in_schema=False)


@router.get(EXPLORER_URL.rstrip("/"))
async def to_explorer(parts: Parts) -> RedirectResponse:
    return RedirectResponse(f"{parts.settings.public_path}{EXPLORER_URL}", 308)


@router.get(EXPLORER_URL)
async def explorer() -> HTMLResponse:
    return HTMLResponse(_PAGE, headers={"content-security-policy": _POLICY})


@router.get(OPENAPI_URL)
async def openapi_document(request: Request) -> JSONResponse:
    return JSONResponse(request.app.openapi())


@router.get(ASSETS_URL + "/{path:path}")
async def asset(path: str, request: Request) -> Response:
    return await _ASSETS.get_response(path, request.scope)
