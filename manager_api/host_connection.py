"""One host's connection on the control channel: what it says, in order; what it is told."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from workflows.domain import control
from workflows.domain.messages import RunKey

#: Keys whose task is remembered per connection; beyond that the oldest is looked up again.
REMEMBERED_RUNS = 256

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told what a host says."""

    def heard(self, worker_id: str) -> None: ...
    async def beat(self, worker_id: str, statistics: Mapping[str, Any]) -> None: ...
    async def status(self, connection: "HostConnection", status: str) -> None: ...
    async def task_of(self, worker_id: str, key: RunKey) -> str | None: ...
    async def progressed(
        self, worker_id: str, key: RunKey, progress: Mapping[str, Any]
    ) -> None: ...
    async def log(self, task_id: str, key: RunKey, offset: int, data: bytes) -> int: ...


class HostConnection:
    """Reads one frame after the other, so that a flood of logs waits in the host.

    Args:
        send_timeout_s: a host that takes nothing for so long is cut off.
    """

    def __init__(
        self, socket: WebSocket, worker_id: str, listener: Listener, *, send_timeout_s: float
    ) -> None:
        self.worker_id = worker_id
        self.session = 0
        self.sending = asyncio.Lock()
        """Held until the welcome was sent: it goes first."""
        self._socket = socket
        self._listener = listener
        self._send_timeout_s = send_timeout_s
        self._tasks: dict[str, str | None] = {}

    async def hello(self) -> control.Hello:
        """The first frame.

        Raises:
            Malformed: it is something else.
        """
        message = control.decode(await self._frame())
        if not isinstance(message, control.Hello):
            raise control.Malformed("the first frame is a hello")
        return message

    async def listen(self) -> None:
        """Take what the host says until it goes.

        Raises:
            Malformed: it says what no host says.
            WebSocketDisconnect: it went.
        """
        while True:
            frame = await self._frame()
            self._listener.heard(self.worker_id)
            await self._take(control.decode(frame))

    async def send(self, message: control.Message) -> bool:
        """False: it cannot be reached any more."""
        async with self.sending:
            return await self.send_now(message)

    async def send_now(self, message: control.Message) -> bool:
        """As `send`, by whoever holds `sending`."""
        frame = control.encode(message)
        try:
            async with asyncio.timeout(self._send_timeout_s):
                if isinstance(frame, bytes):
                    await self._socket.send_bytes(frame)
                else:
                    await self._socket.send_text(frame)
        except (WebSocketDisconnect, RuntimeError, OSError):
            return False  # a time-out is an OSError; the reading side notices the end, too
        return True

    async def close(self, code: int, reason: str) -> None:
        # The other side may have been quicker, or be gone without a word.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            async with asyncio.timeout(self._send_timeout_s):
                await self._socket.close(code, reason)

    async def _frame(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        frame: str | bytes | None = message.get("text")
        return message["bytes"] if frame is None else frame

    async def _take(self, message: control.Message | None) -> None:
        match message:
            case control.Beat(statistics):
                await self._listener.beat(self.worker_id, statistics)
            case control.StatusReport(status):
                await self._listener.status(self, status)
            case control.Progress(key, progress):
                if await self._task(key) is not None:
                    await self._listener.progressed(self.worker_id, _run_key(key), progress)
            case control.LogPiece():
                await self._take_log(message)
            case _:
                logger.info("ignored a message", extra={"worker": self.worker_id})

    async def _take_log(self, piece: control.LogPiece) -> None:
        task_id = await self._task(piece.key)
        # The log of a job that is gone, or never was this host's: taken, so that it ends.
        received = piece.offset + len(piece.data)
        if task_id is not None:
            key = _run_key(piece.key)
            received = await self._listener.log(task_id, key, piece.offset, piece.data)
        await self.send(control.LogAck(piece.key, received))

    async def _task(self, key: str) -> str | None:
        if key not in self._tasks:
            while len(self._tasks) >= REMEMBERED_RUNS:
                del self._tasks[next(iter(self._tasks))]
            self._tasks[key] = await self._listener.task_of(self.worker_id, _run_key(key))
        return self._tasks[key]


def _run_key(text: str) -> RunKey:
    try:
        return RunKey.parse(text)
    except ValueError as error:
        raise control.Malformed(f"no run key: {text[:100]}") from error
