"""The manager's end of the tunnel, which carries connections to Temporal over a WebSocket.

The module of the other end, `activities.connections.tunnel_client`, describes the protocol.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from activities.connections.tunnel_client import TUNNEL_PATH, carry
from manager_api.database.loops import until_one_ends
from manager_api.temporal.binary_frames import (
    FIRST_BYTES_S,
    FORBIDDEN,
    UNREACHABLE,
    BinaryFrames,
    close,
    until_ended,
)

Serve = Callable[[WebSocket], Awaitable[bool]]


async def _never(_websocket: WebSocket) -> None:
    await asyncio.Event().wait()


async def _no_worker(_websocket: WebSocket) -> bool:
    return False


def tunnel_router(
    target: Callable[[], str],
    authorize: Callable[[WebSocket], Awaitable[bool]],
    *,
    serve_worker: Serve = _no_worker,
    until_void: Callable[[WebSocket], Coroutine[Any, Any, None]] = _never,
    path: str = TUNNEL_PATH,
    first_bytes_s: float = FIRST_BYTES_S,
) -> APIRouter:
    """Serve the tunnel.

    Args:
        target: Returns `host:port` of Temporal; called at each connection.
        authorize: Returns whether the caller of this WebSocket may do everything in Temporal.
        serve_worker: Serves the WebSocket to its end if its caller is a worker, and returns whether
            it is one. By default no caller is.
        until_void: Closes the WebSocket when its caller may not use it any more, and returns.
        path: The path of the WebSocket; another target, such as Temporal's Web UI, needs another.
        first_bytes_s: Time within which a client must send something.
    """
    router = APIRouter()

    @router.websocket(path)
    async def tunnel(websocket: WebSocket) -> None:
        if await serve_worker(websocket):
            return
        if await authorize(websocket):
            await until_one_ends(
                tunnel_endpoint(websocket, target(), first_bytes_s=first_bytes_s),
                until_void(websocket),
            )
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
        await close(websocket, UNREACHABLE, "Temporal is unreachable")
        return
    frames = BinaryFrames(websocket, first_bytes_s)
    try:
        code, reason = await until_ended(_carry(websocket, frames, reader, writer))
    finally:
        writer.close()
    await close(websocket, code, reason)


async def _reach(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect, and wait for a Temporal that restarts: its clients would retry more slowly."""
    host, _, port = address.rpartition(":")
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            return await asyncio.open_connection(host.strip("[]"), int(port))
        await asyncio.sleep(0.1)


async def _carry(
    websocket: WebSocket,
    frames: BinaryFrames,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    try:
        await carry(reader, writer, websocket.send_bytes, frames.receive)
    except WebSocketDisconnect:
        writer.transport.abort()  # Temporal must see a broken connection, not a proper end.
        raise
