"""Who a request is from, when a proxy passed it on.

`X-Forwarded-For` and `X-Forwarded-Proto` count only if the proxy is trusted: if its address is in
`trusted_proxies`, or it runs on the manager's own machine. The client is then the last address
that is not a trusted proxy's. `Forwarded` (RFC 7239) is not read: proxies do not send it unless
they are told to, and two ways to say the same can contradict each other.
"""

import ipaddress
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from manager_api.settings.addresses import counted_as, ip_of
from manager_api.settings.model import ManagerSettings
from manager_api.settings.reach import is_loopback
from manager_api.web.refusals import refuse

#: A proxy here can do no more than any other program of this machine.
_HERE = ("127.0.0.0/8", "::1/128")
#: Headers that only proxies send; also those with the prefix.
_SAYS_PROXY = frozenset(
    (b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip")
)
_PREFIX = b"x-forwarded-"
#: Every request asks about its peer; few addresses ask often.
_REMEMBERED_PEERS = 4096
_MARK = "came_by_proxy"
_PLAIN = (
    "this manager serves plain HTTP to the proxies in trusted_proxies only; call it by its public "
    "address, or from its own machine"
)
_TOO_MANY = "this address has too many open requests"


@dataclass(frozen=True, slots=True)
class Caller:
    address: str
    """The client's IP address; a proxy's word for it, if it came by one. Empty: not known."""
    is_secure: bool
    """Whether the client spoke TLS, to the manager or to the proxy."""
    came_by_proxy: bool


def client_of(scope: Scope) -> Caller:
    """Return who a request is from, after `TrustedProxies` has seen it."""
    client = scope.get("client")
    return Caller(
        address=str(client[0]) if client else "",
        is_secure=scope["scheme"] in ("https", "wss"),
        came_by_proxy=bool(scope.get("state", {}).get(_MARK)),
    )


def says_proxy(scope: Scope) -> bool:
    """Return whether a request has a header that only proxies send."""
    return any(name in _SAYS_PROXY or name.startswith(_PREFIX) for name, _ in scope["headers"])


def proxies_of(settings: ManagerSettings) -> Callable[[str], bool]:
    """Return a function that knows the addresses of trusted proxies and of this machine."""
    networks = [ipaddress.ip_network(each) for each in _networks(settings.trusted_proxies)]

    @lru_cache(maxsize=_REMEMBERED_PEERS)
    def is_trusted(address: str) -> bool:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        return any(ip in network for network in networks)

    return is_trusted


class TrustedProxies:
    """ASGI middleware: puts the real client and scheme into the scope, and marks the request.

    It also refuses plain HTTP that comes neither by a proxy nor from this machine, where the
    manager was told to listen for proxies; and it counts the open requests of each client that
    comes by a proxy, because the proxy's connections are not counted (connections.py).
    """

    def __init__(self, app: ASGIApp, settings: ManagerSettings) -> None:
        self._app = app
        self._is_trusted = proxies_of(settings)
        self._by_header = ProxyHeadersMiddleware(
            cast(Any, self._counted), list(_networks(settings.trusted_proxies))
        )
        self._is_for_proxies = not (
            settings.tls_files or settings.insecure or is_loopback(settings.host)
        )
        self._most = settings.max_connections
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        peer = str(scope["client"][0]) if scope.get("client") else ""
        if not self._is_trusted(peer):
            if self._is_for_proxies:
                await refuse(scope, receive, send, 403, _PLAIN)
            else:
                await self._app(scope, receive, send)
            return
        # A program on this machine is a proxy only if it says so.
        if says_proxy(scope) or not _is_here(peer):
            scope.setdefault("state", {})[_MARK] = True
            await self._by_header(cast(Any, scope), cast(Any, receive), cast(Any, send))
        else:
            await self._app(scope, receive, send)

    async def _counted(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _is_address(client_of(scope).address):
            scope["client"] = None  # what the proxy passed on was the client's own word
        client = counted_as(client_of(scope).address)
        if 0 < self._most <= self._open[client]:
            await refuse(scope, receive, send, 429, _TOO_MANY)
            return
        self._open[client] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]


def _networks(proxies: Iterable[str]) -> Iterable[str]:
    """Yield networks of trusted proxies, those of IPv4 also as a socket for both kinds has them."""
    for each in (*_HERE, *proxies):
        yield each
        network = ipaddress.ip_network(each)
        if isinstance(network, ipaddress.IPv4Network):
            yield f"::ffff:{network.network_address}/{96 + network.prefixlen}"


def _is_address(text: str) -> bool:
    try:
        ip_of(text.partition("%")[0])
    except ValueError:
        return False
    return True


@lru_cache(maxsize=_REMEMBERED_PEERS)
def _is_here(address: str) -> bool:
    """Return whether an IP address is one of this machine's loopback addresses."""
    return ip_of(address.partition("%")[0]).is_loopback
