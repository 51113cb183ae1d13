"""Opens a connection for each request, through the proxy that the environment names."""

import base64
import ssl
from functools import lru_cache
from http.client import HTTPConnection, HTTPSConnection
from urllib.parse import SplitResult, unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from .addresses import is_this_machine, port_of


def connection_to(
    manager: SplitResult, timeout_s: float, authority: str = ""
) -> tuple[HTTPConnection, str]:
    """Return an unopened connection, and a prefix for the path of a request on it.

    Args:
        authority: a file in PEM with the only authority that is trusted; empty: the system's are.

    Raises:
        OSError: the proxy's address is not valid, or the authority's file cannot be used.
    """
    host, port = manager.hostname or "", port_of(manager)
    proxy = _proxy_for(manager)
    if proxy is None:
        return _connection(manager.scheme, host, port, timeout_s, authority), ""
    try:
        through, its_port = proxy.hostname or "", proxy.port or 80
    except ValueError as error:
        raise OSError(f"the proxy's address is not valid: {error}") from error
    connection = _connection(manager.scheme, through, its_port, timeout_s, authority)
    if manager.scheme == "https":
        connection.set_tunnel(host, port, _credentials(proxy))
        return connection, ""
    return connection, f"http://{manager.netloc}"


def headers_for_proxy(manager: SplitResult) -> dict[str, str]:
    """Return the headers for a proxy that forwards the request. A tunnel sends its own headers."""
    proxy = _proxy_for(manager)
    return _credentials(proxy) if proxy is not None and manager.scheme == "http" else {}


def _connection(
    scheme: str, host: str, port: int, timeout_s: float, authority: str
) -> HTTPConnection:
    if scheme == "https":
        return HTTPSConnection(host, port, timeout=timeout_s, context=_trust(authority))
    return HTTPConnection(host, port, timeout=timeout_s)


@lru_cache(maxsize=4)
def _trust(authority: str) -> ssl.SSLContext:
    # Reading the system's certificates takes tens of milliseconds.
    try:
        return ssl.create_default_context(cafile=authority or None)
    except OSError as error:
        raise OSError(f"the authority's file {authority} cannot be used") from error


def _proxy_for(manager: SplitResult) -> SplitResult | None:
    host = manager.hostname or ""
    # A farm on this machine is never behind a proxy, whatever the environment says.
    if is_this_machine(host) or proxy_bypass(host):
        return None
    proxy = getproxies().get(manager.scheme)
    if not proxy:
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}")


def _credentials(proxy: SplitResult) -> dict[str, str]:
    if proxy.username is None:
        return {}
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
