"""The bytes that a client of the tunnel sends, and how a tunnel's WebSocket ends."""

import asyncio
import contextlib
from collections.abc import Awaitable

from fastapi import WebSocket, WebSocketDisconnect

#: The close code for callers that may not use Temporal. Before the handshake it becomes HTTP 403.
FORBIDDEN = 4403
OK, UNREACHABLE = 1000, 1011
_NOT_BINARY, _SILENT = 1003, 4408
#: Time for the first bytes of a connection. Clients of Temporal and browsers begin at once.
FIRST_BYTES_S = 30.0


class BinaryFrames:
    """The binary frames of a client, the first of which must come in time."""

    def __init__(self, websocket: WebSocket, first_bytes_s: float) -> None:
        self._websocket = websocket
        self._patience_s: float | None = first_bytes_s

    async def receive(self) -> bytes:
        """Return the next frame.

        Raises:
            TimeoutError: no bytes came.
            KeyError: it is a text frame.
            WebSocketDisconnect: the client is gone.
        """
        async with asyncio.timeout(self._patience_s):
            message = await self._websocket.receive()
        self._patience_s = None
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message["code"])
        data: bytes = message["bytes"]
        return data


async def until_ended(conversation: Awaitable[None]) -> tuple[int, str]:
    """Wait for the end of a conversation; return with which code and reason to close it."""
    try:
        await conversation
    except WebSocketDisconnect:
        return OK, ""
    except TimeoutError:
        return _SILENT, "no bytes came"
    except KeyError:
        return _NOT_BINARY, "this tunnel carries binary frames only"
    except OSError:
        return UNREACHABLE, "Temporal broke the connection"
    return OK, ""


async def close(websocket: WebSocket, code: int, reason: str) -> None:
    """Close a WebSocket that the other side may have closed already."""
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await websocket.close(code, reason)
