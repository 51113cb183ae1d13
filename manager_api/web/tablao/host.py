"""The control channel's address."""

from fastapi import APIRouter, WebSocket

from manager_api.hosts.channel import Hosts
from manager_api.hosts.connection import WorkerOf
from workflows.domain.control import PATH

#: Sent before the handshake, so the client gets HTTP 403.
_FORBIDDEN = 4403


def host_router(hosts: Hosts, worker_of: WorkerOf) -> APIRouter:
    """Return the router of the control channel."""
    router = APIRouter()

    @router.websocket(PATH)
    async def host(websocket: WebSocket) -> None:
        worker_id = await worker_of(websocket)
        if worker_id is None:
            await websocket.close(_FORBIDDEN)
        else:
            await hosts.serve(websocket, worker_id, worker_of)

    return router
