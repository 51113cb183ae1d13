"""Temporal's Web UI behind the manager's login: passes requests on to its loopback port.

The UI has no login of its own. Its pages are of the manager's origin, so what they run is limited
by a policy, and neither side gets the other's cookies.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import AsyncIterator

import httpx
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from manager_api.contract.errors import NotFound, TryAgain
from manager_api.contract.farm import TEMPORAL_UI
from manager_api.database.trail import DONE
from manager_api.web.auth import Caller, UsingTemporal, begin_entry
from manager_api.web.dependencies import ManagerParts, Parts

#: The UI compares this cookie with a header in each request that changes something.
_COOKIE = "_csrf"
_COOKIE_SET = re.compile(rf"{_COOKIE}=([0-9A-Za-z]{{1,128}})(;|$)")
_COOKIE_SHOWN = re.compile(r"[0-9A-Za-z]{1,128}")
#: All other headers stay here: credentials, those of one connection, those of proxies.
_PASSED_ON = (
    "accept",
    "accept-language",
    "caller-type",
    "content-type",
    "if-modified-since",
    "if-none-match",
    "x-csrf-token",
)
_PASSED_BACK = (
    "cache-control",
    "content-encoding",
    "content-length",
    "content-type",
    "etag",
    "last-modified",
)
#: A request that only reads although it is a POST. Pages repeat it, so it is counted like a page.
_QUERY = re.compile(r"/workflows/[^/]+/query/")
#: Files of the UI; only these are compressed, because a page is read here.
_FILES = "_app/"
_LONGEST_PAGE = 2**20
#: Temporal answers within 60 s, also when it waits for an event.
_TIMEOUT = httpx.Timeout(70, connect=5)
#: A page begins with a script in itself, which names the files to load. The policy names it by its
#: digest. The components set styles.
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)
_POLICY = (
    "default-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)

router = APIRouter(dependencies=[UsingTemporal], include_in_schema=False)


@router.get(TEMPORAL_UI.rstrip("/"))
async def to_temporal_ui(parts: Parts) -> RedirectResponse:
    return RedirectResponse(f"{parts.settings.public_path}{TEMPORAL_UI}", 307)


@router.api_route(
    TEMPORAL_UI + "{path:path}",
    methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
    name="useTemporalUi",
)
async def temporal_ui(request: Request, caller: Caller, parts: Parts) -> Response:
    """Answer as the UI does.

    Raises:
        NotFound: this manager serves no UI.
        TryAgain: the UI does not answer.
    """
    if not parts.temporal_ui_server:
        raise NotFound("this manager does not serve Temporal's Web UI: see its setting temporal_ui")
    client = httpx.AsyncClient(timeout=_TIMEOUT, trust_env=False, verify=False)
    try:
        answer = await client.send(await _request(client, request, parts), stream=True)
        is_page = answer.headers.get("content-type", "").startswith("text/html")
        if is_page or _QUERY.search(request.url.path):
            entry = begin_entry(request, caller)
            entry.action, entry.target = "openTemporalUi", ""
            parts.refusals.count(entry, DONE)
        if is_page:
            return _with_cookie(await _page(answer, client), answer, request)
    except httpx.HTTPError as problem:
        await client.aclose()
        raise TryAgain("Temporal's Web UI does not answer") from problem
    except BaseException:
        await client.aclose()
        raise
    passed_on = StreamingResponse(
        _body(answer, client), answer.status_code, _headers(answer, parts, "")
    )
    return _with_cookie(passed_on, answer, request)


async def _request(
    client: httpx.AsyncClient, request: Request, parts: ManagerParts
) -> httpx.Request:
    path = request.scope["raw_path"].partition(b"?")[0].decode("ascii", "replace")
    headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
    may_be_compressed = path.startswith(TEMPORAL_UI + _FILES)
    headers["accept-encoding"] = (
        request.headers.get("accept-encoding", "identity") if may_be_compressed else "identity"
    )
    shown = request.cookies.get(_COOKIE, "")
    if _COOKIE_SHOWN.fullmatch(shown):
        headers["cookie"] = f"{_COOKIE}={shown}"
    query = request.scope["query_string"].decode("ascii", "replace")
    return client.build_request(
        request.method,
        f"{parts.temporal_ui_server}{parts.settings.public_path}{path}{query and '?'}{query}",
        headers=headers,
        content=await request.body(),
    )


async def _page(answer: httpx.Response, client: httpx.AsyncClient) -> Response:
    """Return a page, with a policy that lets only the scripts run that the UI has put into it."""
    page = b""
    async for piece in _body(answer, client):
        page += piece
        if len(page) > _LONGEST_PAGE:
            raise TryAgain("a page of Temporal's Web UI is too long")
    scripts = (hashlib.sha256(each).digest() for each in _INLINE_SCRIPT.findall(page))
    digests = "".join(f" 'sha256-{b64encode(each).decode()}'" for each in scripts)
    headers = {"cache-control": "no-cache", "content-security-policy": _policy(digests)}
    return Response(page, answer.status_code, headers, "text/html; charset=utf-8")


async def _body(answer: httpx.Response, client: httpx.AsyncClient) -> AsyncIterator[bytes]:
    try:
        async for piece in answer.aiter_raw():
            yield piece
    finally:
        await answer.aclose()
        await client.aclose()


def _headers(answer: httpx.Response, parts: ManagerParts, digests: str) -> dict[str, str]:
    headers = {name: answer.headers[name] for name in _PASSED_BACK if name in answer.headers}
    location = answer.headers.get("location", "")
    if location.startswith(f"{parts.settings.public_path}{TEMPORAL_UI}"):
        headers["location"] = location
    return {**headers, "content-security-policy": _policy(digests)}


def _policy(digests: str) -> str:
    return "; ".join((*_POLICY, f"script-src 'self'{digests}"))


def _with_cookie(response: Response, answer: httpx.Response, request: Request) -> Response:
    """Set the UI's own cookie for its own pages; no other cookie of it is passed back."""
    for line in answer.headers.get_list("set-cookie"):
        if found := _COOKIE_SET.match(line):
            response.set_cookie(
                _COOKIE,
                found[1],
                path=f"{request.app.state.parts.settings.public_path}{TEMPORAL_UI}",
                secure=request.url.scheme == "https",
                samesite="strict",
            )
            break
    return response
