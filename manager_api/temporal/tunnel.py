"""The manager's end of the tunnel, which carries connections to Temporal over a WebSocket.

The module of the other end, `activities.connections.tunnel_client`, describes the protocol.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from activities.connections.tunnel_client import TUNNEL_PATH, carry

#: The close code for callers that may not use Temporal. Before the handshake it becomes HTTP 403.
FORBIDDEN = 4403
_OK, _NOT_BINARY, _UNREACHABLE, _SILENT = 1000, 1003, 1011, 4408
#: Time for the first bytes of a connection. Clients of Temporal and browsers begin at once.
FIRST_BYTES_S = 30.0


def tunnel_router(
    target: Callable[[], str],
    authorize: Callable[[WebSocket], Awaitable[bool]],
    *,
    path: str = TUNNEL_PATH,
    first_bytes_s: float = FIRST_BYTES_S,
) -> APIRouter:
    """Serve the tunnel.

    Args:
        target: Returns `host:port` of Temporal; called at each connection.
        authorize: Returns whether the caller of this WebSocket may reach Temporal.
        path: The path of the WebSocket; another target, such as Temporal's Web UI, needs another.
        first_bytes_s: Time within which a client must send something.
    """
    router = APIRouter()

    @router.websocket(path)
    async def tunnel(websocket: WebSocket) -> None:
        if await authorize(websocket):
            await tunnel_endpoint(websocket, target(), first_bytes_s=first_bytes_s)
        else:
            await websocket.close(FORBIDDEN)

    return router


async def tunnel_endpoint(
    websocket: WebSocket,
    target_address: str,
    *,
    connect_timeout: float = 5.0,
    first_bytes_s: float = FIRST_BYTES_S,
) -> None:
    """Carry one connection to the target until it ends. The caller has authorized the client."""
    await websocket.accept()
    try:
        async with asyncio.timeout(connect_timeout):
            reader, writer = await _reach(target_address)
    except OSError:  # A time-out is an OSError, too.
        await _close(websocket, _UNREACHABLE, "Temporal is unreachable")
        return
    try:
        code, reason = await _carry(websocket, reader, writer, first_bytes_s)
    finally:
        writer.close()
    await _close(websocket, code, reason)


async def _reach(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and wait for a Temporal that restarts: its clients would retry more slowly."""
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection(host.strip("[]"), int(port))
        await asyncio.sleep(0.1)


async def _carry(
    websocket: WebSocket,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    first_bytes_s: float,
) -> tuple[int, str]:
    """Carry the connection; return the code and reason with which to close the WebSocket."""
    patience_s: float | None = first_bytes_s

    async def receive() -> bytes:
        nonlocal patience_s
        async with asyncio.timeout(patience_s):
            message = await websocket.receive()
        patience_s = None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        data: bytes = message["bytes"]
        return data

    try:
        await carry(reader, writer, websocket.send_bytes, receive)
    except WebSocketDisconnect:
        writer.transport.abort()  # Temporal must see a broken connection, not a proper end.
        return _OK, ""
    except TimeoutError:
        return _SILENT, "no bytes came"
    except KeyError:
        return _NOT_BINARY, "this tunnel carries binary frames only"
    except OSError:
        return _UNREACHABLE, "Temporal broke the connection"
    return _OK, ""


async def _close(websocket: WebSocket, code: int, reason: str) -> None:
    # The other side may have closed it already.
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, reason)
