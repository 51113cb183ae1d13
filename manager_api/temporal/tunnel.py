"""The manager's end of the tunnel: Temporal for remote hosts, carried over a WebSocket.

The protocol is told where its other end is, in `activities.connections.tunnel_client`.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from activities.connections.tunnel_client import TUNNEL_PATH, carry

#: Who may not signal a workflow may not pass. Before the handshake it becomes HTTP 403.
FORBIDDEN = 4403
_OK, _NOT_BINARY, _UNREACHABLE = 1000, 1003, 1011


def tunnel_router(
    target: Callable[[], str],
    authorize: Callable[[WebSocket], Awaitable[bool]],
    *,
    path: str = TUNNEL_PATH,
) -> APIRouter:
    """Serve the tunnel.

    Args:
        target: `host:port` of Temporal, asked for at each connection.
        authorize: Whether whoever opens this WebSocket may reach Temporal.
        path: Another path, for another target: Temporal's Web UI, say.
    """
    router = APIRouter()

    @router.websocket(path)
    async def tunnel(websocket: WebSocket) -> None:
        if await authorize(websocket):
            await tunnel_endpoint(websocket, target())
        else:
            await websocket.close(FORBIDDEN)

    return router


async def tunnel_endpoint(
    websocket: WebSocket, target_address: str, *, connect_timeout: float = 5.0
) -> None:
    """Carry one connection to the target until it ended; the caller has checked who asks."""
    await websocket.accept()
    try:
        async with asyncio.timeout(connect_timeout):
            reader, writer = await _reach(target_address)
    except OSError:  # A time-out is one.
        await _close(websocket, _UNREACHABLE, "Temporal is unreachable")
        return
    try:
        code, reason = await _carry(websocket, reader, writer)
    finally:
        writer.close()
    await _close(websocket, code, reason)


async def _reach(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Wait for a Temporal that is being started again: its clients are slower to try again."""
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection(host.strip("[]"), int(port))
        await asyncio.sleep(0.1)


async def _carry(
    websocket: WebSocket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> tuple[int, str]:
    """Carry the connection; return the code and reason with which to close the WebSocket."""

    async def receive() -> bytes:
        message = await websocket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        data: bytes = message["bytes"]
        return data

    try:
        await carry(reader, writer, websocket.send_bytes, receive)
    except WebSocketDisconnect:
        writer.transport.abort()  # Cut short, which must not look like a proper end.
        return _OK, ""
    except KeyError:
        return _NOT_BINARY, "this tunnel carries binary frames only"
    except OSError:
        return _UNREACHABLE, "Temporal broke the connection"
    return _OK, ""


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    # The other side may have been quicker.
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, reason)
