"""The control channel's address."""

from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket

from manager_api.hosts.channel import Hosts
from workflows.domain.control import PATH

#: Before the handshake it becomes HTTP 403.
_FORBIDDEN = 4403


def host_router(
    hosts: Hosts, authenticate: Callable[[WebSocket], Awaitable[str | None]]
) -> APIRouter:
    """Serve hosts.

    Args:
        authenticate: the id of the worker whose credentials come with the handshake, or None.
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
