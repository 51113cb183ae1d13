"""Serves the dashboard's built files. Any other address below it gets the page, which routes it."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse, Response

from manager_api.contract.errors import NotFound
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts

ADDRESS = "/app/"
FILES = Path(__file__).parents[1] / "dashboard_files"
_NOT_BUILT = (
    "<!doctype html><title>Tablao</title><p>The dashboard has not been built. "
    "In a checkout, <code>make dashboard</code> builds it; an installed package brings it along."
)
#: Built files carry a digest of their content in their names.
_FOR_EVER = {"cache-control": "public, max-age=31536000, immutable"}
_ASK_AGAIN = {"cache-control": "no-cache"}

#: Only our own scripts run. The editor and the components add styles to the page.
_POLICY = {
    "content-security-policy": "; ".join(
        (
            "default-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
}

router = APIRouter(dependencies=[Anybody], include_in_schema=False)


@router.get("/")
@router.get("/app")
async def to_dashboard(parts: Parts) -> RedirectResponse:
    return RedirectResponse(f"{parts.settings.public_path}{ADDRESS}", 307)


@router.get("/app/{path:path}")
async def dashboard(path: str, parts: Parts) -> Response:
    file = None if path == "index.html" else _file(path)
    if file is not None:
        is_asset = file.parent.name == "assets"
        return FileResponse(file, headers=(_FOR_EVER if is_asset else _ASK_AGAIN) | _POLICY)
    page = _page(parts.settings.public_path)
    if page is None:
        return HTMLResponse(_NOT_BUILT, 503, _POLICY)
    return HTMLResponse(page, headers=_ASK_AGAIN | _POLICY)


def _page(public_path: str) -> str | None:
    """Return the page, with the address that all its relative addresses begin at."""
    try:
        page = (FILES / "index.html").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    return page.replace(f'<base href="{ADDRESS}"', f'<base href="{public_path}{ADDRESS}"', 1)


def _file(path: str) -> Path | None:
    """Return the dashboard's file at a path; None if the path is not one of its files.

    Raises:
        NotFound: there can be no such file; its name is too long, for example.
    """
    try:
        wanted = (FILES / path).resolve()
        return wanted if wanted.is_relative_to(FILES.resolve()) and wanted.is_file() else None
    except (OSError, ValueError) as error:
        raise NotFound("there is no such page") from error
