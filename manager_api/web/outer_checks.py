"""All that comes before any route: proxies, the public path, and checks against foreign pages.

A browser that can reach the manager runs pages of other sites. Such a page does not see our
answers. But without these checks it could command the farm, or show our pages inside its own.
"""

from urllib.parse import urlsplit

from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from manager_api.settings.model import ManagerSettings
from manager_api.web.allowed_hosts import AllowedHosts
from manager_api.web.proxies import TrustedProxies
from manager_api.web.public_path import PublicPath
from manager_api.web.refusals import code_and_message, refuse

#: The longest address, in bytes, its query included.
LONGEST_ADDRESS = 8192
#: What a browser may do with an answer that brings no policy of its own: nothing but show it.
POLICY = "default-src 'none'; frame-ancestors 'none'"
_LONGEST_NAME = 100
#: As addresses write it. PostgreSQL refuses texts that contain it.
_NUL = b"%00"
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
#: Methods that change nothing.
HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})
#: The key in a request's scope of the token that its address began with.
PATH_TOKEN = "tablao.path_token"
_TOKEN_PATH = "/t/"
_OWN_PAGES = frozenset({"same-origin", "none"})
_HEADERS = {"x-content-type-options": "nosniff", "referrer-policy": "same-origin"}


class ManagerApp(FastAPI):
    """An application with these checks around all else, also around its answers to bugs.

    `state.parts` must be set before its first request.
    """

    def build_middleware_stack(self) -> ASGIApp:
        settings: ManagerSettings = self.state.parts.settings
        inner = OuterChecks(super().build_middleware_stack(), settings)
        return TrustedProxies(PublicPath(inner, settings.public_path), settings)


class OuterChecks:
    """ASGI middleware."""

    def __init__(self, app: ASGIApp, settings: ManagerSettings) -> None:
        self._app = app
        self._hosts = AllowedHosts(settings)
        self._public_origin = settings.public_origin

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        _take_path_token(scope)
        match scope["type"]:
            case "http":
                app = self._why_not(scope) or self._app
                await app(scope, receive, _with_headers(send))
            case "websocket":
                await self._websocket(scope, receive, send)
            case _:
                await self._app(scope, receive, send)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        if sentence := self._unknown_host(headers):
            await refuse(scope, receive, send, 403, sentence)
        elif comes_from_foreign_page(headers, self._public_origin):
            await receive()
            # Before the handshake, so the client gets HTTP 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._app(scope, receive, send)

    def _why_not(self, scope: Scope) -> ASGIApp | None:
        """Return the refusal of this request; None if it may pass."""
        headers = Headers(scope=scope)
        if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_ADDRESS:
            return code_and_message(414, f"the address is longer than {LONGEST_ADDRESS} bytes")
        if sentence := self._unknown_host(headers):
            return code_and_message(403, sentence)
        if _NUL in scope["query_string"]:
            return code_and_message(400, "an address must not contain NUL characters")
        if scope["method"] not in HARMLESS and comes_from_foreign_page(
            headers, self._public_origin
        ):
            return code_and_message(403, "requests from pages of other sites are refused")
        return None

    def _unknown_host(self, headers: Headers) -> str:
        host = headers.get("host", "")
        if self._hosts.allow(host):
            return ""
        return (
            f'this manager is not called "{host[:_LONGEST_NAME]}": call it by another address, or '
            "add the name to its setting allowed_hosts"
        )


def comes_from_foreign_page(headers: Headers, public_origin: str = "") -> bool:
    """Return whether a browser says that a page of another site makes this request.

    Other programs than browsers say nothing. `Sec-Fetch-Site` comes first, because the browser
    compared addresses before any proxy changed the Host header. Browsers leave it out on plain HTTP
    to other machines.

    Args:
        public_origin: an origin that is the manager's, whatever Host says: a proxy may change it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in _OWN_PAGES
    origin = headers.get("origin")
    if origin is None or (public_origin and _is_same(origin, public_origin)):
        return False
    return not _names(origin, headers.get("host", ""))


def says_it_is_of_own_page(headers: Headers, public_origin: str) -> bool:
    """Return whether a browser says that a page of ours makes this request."""
    says = "sec-fetch-site" in headers or "origin" in headers
    return says and not comes_from_foreign_page(headers, public_origin)


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


def _with_headers(send: Send) -> Send:
    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(_HEADERS)
            headers.setdefault("content-security-policy", POLICY)
        await send(message)

    return send_with_headers


def _is_same(origin: str, public_origin: str) -> bool:
    scheme, _, host = public_origin.partition("://")
    return origin.lower().startswith(f"{scheme}:") and _names(origin, host)


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
