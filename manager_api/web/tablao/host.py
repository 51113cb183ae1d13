"""The control channel's address."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket

from manager_api.hosts.channel import Hosts
from workflows.domain.control import PATH

#: Sent before the handshake, so the client gets HTTP 403.
_FORBIDDEN = 4403


def host_router(
    hosts: Hosts, authenticate: Callable[[WebSocket], Awaitable[str | None]]
) -> APIRouter:
    """Return the router of the control channel.

    Args:
        authenticate: returns the id of the worker whose credentials the handshake carries; None if
            they are wrong.
    """
    router = APIRouter()

    @router.websocket(PATH)
    async def host(websocket: WebSocket) -> None:
        worker_id = await authenticate(websocket)
        if worker_id is None:
            await websocket.close(_FORBIDDEN)
        else:
            await hosts.serve(websocket, worker_id)

    return router
