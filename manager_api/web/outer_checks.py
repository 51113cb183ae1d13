"""Checks before any route, and headers on every answer, against the pages of other sites.

A browser that can reach the manager runs pages of other sites. Such a page does not see our
answers. But without these checks it could command the farm, or show our pages inside its own.
"""

from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manager_api.web.refusals import code_and_message

#: The longest address, in bytes, its query included.
LONGEST_ADDRESS = 8192
#: What a browser may do with an answer that brings no policy of its own: nothing but show it.
POLICY = "default-src 'none'; frame-ancestors 'none'"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
#: Methods that change nothing.
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
#: The key in a request's scope of the token that its address began with.
PATH_TOKEN = "tablao.path_token"
_TOKEN_PATH = "/t/"
_OWN_PAGES = frozenset({"same-origin", "none"})
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


class ManagerApp(FastAPI):
    """An application with these checks around all else, also around its answers to bugs."""

    def build_middleware_stack(self) -> ASGIApp:
        return OuterChecks(super().build_middleware_stack())


class OuterChecks:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _take_path_token(scope)
        match scope["type"]:
            case "http":
                app = _why_not(scope) or self._app
                await app(scope, receive, _with_headers(send))
            case "websocket" if comes_from_foreign_page(Headers(scope=scope)):
                await receive()
                # Before the handshake, so the client gets HTTP 403.
                await send({"type": "websocket.close", "code": 1008})
            case _:
                await self._app(scope, receive, send)


def comes_from_foreign_page(headers: Headers) -> bool:
    """Return whether a browser says that a page of another site makes this request.

    Other programs than browsers say nothing. `Sec-Fetch-Site` comes first, because the browser
    compared addresses before any proxy changed the Host header. Browsers leave it out on plain HTTP
    to other machines.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_PAGES
    origin = headers.get("origin")
    return origin is not None and not _names(origin, headers.get("host", ""))


def says_it_is_of_own_page(headers: Headers) -> bool:
    """Return whether a browser says that a page of ours makes this request."""
    says = "sec-fetch-site" in headers or "origin" in headers
    return says and not comes_from_foreign_page(headers)


def _take_path_token(scope: Scope) -> None:
    """Take the token off an address `/t/<token>/…`, for clients that can send no header.

    Routes, logs and answers see the rest of the address only.
    """
    path = scope.get("path", "")
    if scope["type"] == "lifespan" or not path.startswith(_TOKEN_PATH):
        return
    token, slash, rest = path[len(_TOKEN_PATH) :].partition("/")
    scope[PATH_TOKEN] = token
    scope["path"] = slash + rest or "/"
    prefix = len(_TOKEN_PATH + token)
    scope["raw_path"] = scope.get("raw_path", b"")[prefix:] or b"/"


def _why_not(scope: Scope) -> ASGIApp | None:
    """Return the refusal of this request; None if it may pass."""
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_ADDRESS:
        return code_and_message(414, f"the address is longer than {LONGEST_ADDRESS} bytes")
    if scope["method"] not in HARMLESS and comes_from_foreign_page(Headers(scope=scope)):
        return code_and_message(403, "requests from pages of other sites are refused")
    return None


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers.setdefault("content-security-policy", POLICY)
        await send(message)

    return send_with_headers


def _names(origin: str, host: str) -> bool:
    """Return whether an origin is of this host. Some proxies write the default port into Host."""
    try:
        parts = urlsplit(origin.lower())
    except ValueError:
        return False
    default = _DEFAULT_PORTS.get(parts.scheme)
    if default is None or not parts.netloc:
        return False
    return parts.netloc.removesuffix(default) == host.lower().removesuffix(default)
