"""Who may call: each route names one of these decisions.

There is no login yet, so what people may do, anybody may do who reaches the manager, and by
default that is this machine. Workers prove themselves with the secret of their registration.
"""

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Security, WebSocket, WebSocketException
from fastapi.openapi.models import HTTPBase
from fastapi.security.base import SecurityBase
from starlette.requests import HTTPConnection

from manager_api.contract.errors import Forbidden, NotAuthorized
from manager_api.database.busy import retry_while_busy
from manager_api.database.tables import WorkerRow
from manager_api.web.dependencies import ManagerParts, Parts


class WorkerAuth(SecurityBase):
    """The contract's scheme `worker_auth`. FastAPI's own answers 401, Flamenco 403."""

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
    """The id of the worker that opens this WebSocket; None if it cannot prove that it is one."""
    parts: ManagerParts = websocket.app.state.parts
    try:
        return (await parts.credentials.check(websocket.headers.get("authorization", ""))).id
    except NotAuthorized:
        return None


async def anybody(connection: HTTPConnection, parts: Parts) -> None:
    """People and programs on this machine; with `insecure`, everybody on the network.

    A browser on this machine is anybody's program: a page from elsewhere must not get at the farm
    through it, neither by a name of its own for 127.0.0.1 nor by a WebSocket.

    Raises:
        Forbidden: asked for by another name than this machine's.
        WebSocketException: opened by a page from elsewhere.
    """
    host = connection.headers.get("host", "")
    if not parts.settings.insecure and not _is_this_machine(host):
        raise Forbidden(
            f'this manager serves only its own machine, not "{host}"; '
            "it has no login, so elsewhere it must be started with --insecure"
        )
    origin = connection.headers.get("origin")
    if connection.scope["type"] == "websocket" and origin and urlsplit(origin).netloc != host:
        raise WebSocketException(1008, "opened by a page from elsewhere")


async def may_reach_temporal(websocket: WebSocket) -> bool:
    """Workers, and who may do anything else here: to signal a workflow is to command the farm."""
    if await worker_of(websocket) is not None:
        return True
    try:
        await anybody(websocket, websocket.app.state.parts)
    except (Forbidden, WebSocketException):
        return False
    return True


async def no_foreign_page(connection: HTTPConnection) -> None:
    """Beside `anybody`, where a page from elsewhere must not even ask: it could change settings,
    or have a program run, although it never sees the answer.

    Raises:
        Forbidden: a browser says that another site asks.
    """
    origin = connection.headers.get("origin")
    if origin and urlsplit(origin).netloc != connection.headers.get("host", ""):
        raise Forbidden("the configuration is not changed for pages from elsewhere")


def calls_from_this_machine(connection: HTTPConnection) -> bool:
    """Also with `insecure`: such a caller could run the manager's programs anyway."""
    try:
        return connection.client is not None and _loopback(connection.client.host)
    except ValueError:
        return False


def acts_as_this_machine(connection: HTTPConnection) -> bool:
    """A caller on this machine who says so: asks for it by its own name, and for nobody else.

    Neither a proxy that names whom it asks for passes for one, nor a browser's page that a
    resolver of somebody else's has led here.
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
        return name == "localhost" or _loopback(name)
    except ValueError:
        return False


def _loopback(address: str) -> bool:
    ip = ipaddress.ip_address(address)
    # A socket for both kinds of address shows IPv4 callers as ::ffff:127.0.0.1.
    return (getattr(ip, "ipv4_mapped", None) or ip).is_loopback
