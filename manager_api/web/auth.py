"""Decides who may call. Each route names one of these checks.

There is no login yet. So every client that can reach the manager may do what users may do; by
default only this machine can reach it. Workers prove their identity with the secret of their
registration.
"""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Security, WebSocket
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from manager_api.contract.errors import Forbidden, NotAuthorized
from manager_api.database.busy import retry_while_busy
from manager_api.database.tables import WorkerRow
from manager_api.web.dependencies import ManagerParts, Parts
from manager_api.web.outer_checks import comes_from_foreign_page


class WorkerAuth(SecurityBase):
    """The contract's scheme `worker_auth`. FastAPI's own class answers 401, Flamenco 403."""

    def __init__(self) -> None:
        self.model = HTTPBase(scheme="basic")
        self.scheme_name = "worker_auth"

    async def __call__(self, connection: HTTPConnection, parts: Parts) -> WorkerRow:
        shown = connection.headers.get("authorization", "")
        return await retry_while_busy(
            lambda: parts.credentials.check(shown), parts.settings.sign_on_wait_s
        )


the_worker = WorkerAuth()
Worker = Annotated[WorkerRow, Security(the_worker)]


async def worker_of(websocket: WebSocket) -> str | None:
    """Return the id of the worker that opens this WebSocket; None if its credentials are wrong."""
    parts: ManagerParts = websocket.app.state.parts
    try:
        return (await parts.credentials.check(websocket.headers.get("authorization", ""))).id
    except NotAuthorized:
        return None


async def anybody(connection: HTTPConnection, parts: Parts) -> None:
    """Let users and programs on this machine pass; with `insecure`, the whole network.

    A browser on this machine runs pages of other sites. Such a page must not reach the farm
    through a name of its own for 127.0.0.1. `outer_checks.py` refuses its other ways.

    Raises:
        Forbidden: the Host header is not a name of this machine.
    """
    host = connection.headers.get("host", "")
    if not parts.settings.insecure and not _is_this_machine(host):
        raise Forbidden(
            f'this manager serves only its own machine, not "{host}"; '
            "it has no login, so elsewhere it must be started with --insecure"
        )


async def may_reach_temporal(websocket: WebSocket) -> bool:
    """Return whether a client that is no worker may do everything in Temporal.

    Clients that pass `anybody` may: a client that signals workflows commands the farm. A worker
    whose secret is void is not such a client.
    """
    if "authorization" in websocket.headers:
        return False
    try:
        await anybody(websocket, websocket.app.state.parts)
    except Forbidden:
        return False
    return True


async def no_foreign_page(connection: HTTPConnection) -> None:
    """Refuse a GET that a page of another site makes, because it does more than answer.

    Raises:
        Forbidden: the browser says so.
    """
    if comes_from_foreign_page(connection.headers):
        raise Forbidden("requests from pages of other sites are refused")


def calls_from_this_machine(connection: HTTPConnection) -> bool:
    """Return whether the client runs on this machine, where it can run programs anyway."""
    try:
        return connection.client is not None and _loopback(connection.client.host)
    except ValueError:
        return False


def acts_as_this_machine(connection: HTTPConnection) -> bool:
    """Return whether a client on this machine asks for itself, by a name of this machine.

    Refuse proxies, which name the client that they ask for, and pages of other sites that reach
    this machine through a foreign name.
    """
    headers = connection.headers
    is_for_another = any(name in headers for name in ("forwarded", "x-forwarded-for"))
    is_by_name = _is_this_machine(headers.get("host", ""))
    return calls_from_this_machine(connection) and is_by_name and not is_for_another


Anybody = Depends(anybody)
NoForeignPage = Depends(no_foreign_page)


def _is_this_machine(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
        # A name with a dot at its end is complete: the machine's domain is not added to it.
        return name.removesuffix(".") == "localhost" or _loopback(name)
    except ValueError:
        return False


def _loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    # A socket for both kinds of address shows IPv4 callers as ::ffff:127.0.0.1.
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
