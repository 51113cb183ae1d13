"""The address of the live events for Flamenco's web app: Socket.IO 2, by WebSocket only."""

import asyncio
import contextlib

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from manager_api.contract.errors import TryAgain
from manager_api.database.loops import until_one_ends
from manager_api.events.socket_io import PING_EVERY_S, SILENT_S, SocketIoClient
from manager_api.web.auth import Reading, close_when_revoked
from manager_api.web.dependencies import Parts
from workflows.domain.access import Permission

PATH = "/socket.io/"

router = APIRouter(dependencies=[Reading], include_in_schema=False)


@router.websocket(PATH)
async def socket_io(websocket: WebSocket, parts: Parts) -> None:
    await websocket.accept()
    client = SocketIoClient(parts.events.most_waiting)
    client.welcome()
    parts.events.add(client)
    try:
        with contextlib.suppress(WebSocketDisconnect):
            await until_one_ends(
                _send(websocket, client),
                _take(websocket, client),
                _ping(client),
                client.overflowed.wait(),
                close_when_revoked(websocket, parts, Permission.READ),
            )
    finally:
        parts.events.remove(client)


@router.api_route(PATH, methods=["GET", "POST"])
async def polling() -> None:
    raise TryAgain("only the transport websocket is served here")


async def _send(websocket: WebSocket, client: SocketIoClient) -> None:
    while True:
        await websocket.send_text(await client.next_frame())


async def _take(websocket: WebSocket, client: SocketIoClient) -> None:
    """Handle the client's frames until it disconnects, closes, or is silent for too long."""
    is_there = True
    while is_there:
        try:
            async with asyncio.timeout(SILENT_S):
                message = await websocket.receive()
        except TimeoutError:
            return
        if message["type"] == "websocket.disconnect":
            return
        is_there = client.take(message.get("text") or "")


async def _ping(client: SocketIoClient) -> None:
    while True:
        await asyncio.sleep(PING_EVERY_S)
        client.ping()
