"""One host's connection on the control channel: what it says, in order; what it is told."""

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from manager_api.contract.machine import MachineStatistics, RunProgress
from workflows.domain import control
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.messages import RunKey

#: Keys whose task is remembered per connection; beyond that the oldest is looked up again.
REMEMBERED_RUNS = 256
#: Messages that wait for a host's network. It is told little, so more means that it hangs.
MOST_WAITING = 1000
CLOSE_STUCK = 1011

logger = logging.getLogger(__name__)


class Listener(Protocol):
    """Who is told what a host says."""

    def heard(self, worker_id: str) -> None: ...
    async def beat(self, worker_id: str, statistics: MachineStatistics) -> None: ...
    async def status(self, connection: "HostConnection", status: str) -> None: ...
    async def task_of(self, worker_id: str, key: RunKey) -> str | None: ...
    async def progressed(self, worker_id: str, key: RunKey, progress: RunProgress) -> None: ...
    async def log(self, task_id: str, key: RunKey, offset: int, data: bytes) -> int: ...


class HostConnection:
    """Reads one frame after the other, so that a flood of logs waits in the host.

    What the host is told goes through a queue: nobody who tells it something waits for its
    network.

    Args:
        send_timeout_s: a host that takes nothing for so long is cut off.
    """

    def __init__(
        self, socket: WebSocket, worker_id: str, listener: Listener, *, send_timeout_s: float
    ) -> None:
        self.worker_id = worker_id
        self.session = 0
        self.greeting = control.Hello(0, "")
        self.provision: Mapping[str, Any] = {}
        """What it was last told that is set for it."""
        self._socket = socket
        self._listener = listener
        self._send_timeout_s = send_timeout_s
        self._outgoing: asyncio.Queue[control.Message] = asyncio.Queue(MOST_WAITING)
        self._tasks: BoundedDict[str, str | None] = BoundedDict(REMEMBERED_RUNS)

    async def hello(self) -> control.Hello:
        """The first frame.

        Raises:
            Malformed: it is something else.
        """
        message = control.decode(await self._frame())
        if not isinstance(message, control.Hello):
            raise control.Malformed("the first frame is a hello")
        return message

    async def converse(self, welcome: control.Welcome) -> None:
        """Send the welcome, then whatever was and is told; take what the host says.

        Raises:
            Malformed: it says what no host says.
            WebSocketDisconnect: it went.
        """
        await self._send(welcome)
        telling = asyncio.create_task(self._send_all(), name="telling a host")
        try:
            while True:
                frame = await self._frame()
                self._listener.heard(self.worker_id)
                await self._take(control.decode(frame))
        finally:
            telling.cancel()

    def tell(self, message: control.Message) -> bool:
        """False: it takes nothing any more."""
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        # The other side may have been quicker, or be gone without a word.
        with contextlib.suppress(WebSocketDisconnect, RuntimeError, OSError):
            async with asyncio.timeout(self._send_timeout_s):
                await self._socket.close(code, reason)

    async def _send_all(self) -> None:
        try:
            while True:
                await self._send(await self._outgoing.get())
        except (WebSocketDisconnect, OSError):
            await self.close(CLOSE_STUCK, "it takes nothing any more")

    async def _send(self, message: control.Message) -> None:
        frame = control.encode(message)
        assert isinstance(frame, str)
        try:
            async with asyncio.timeout(self._send_timeout_s):
                await self._socket.send_text(frame)
        except RuntimeError as error:  # Starlette's word for a connection that was closed
            raise WebSocketDisconnect(1006) from error

    async def _frame(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        frame: str | bytes | None = message.get("text")
        return message["bytes"] if frame is None else frame

    async def _take(self, message: control.Message | None) -> None:
        match message:
            case control.Beat(said):
                await self._listener.beat(self.worker_id, MachineStatistics.model_validate(said))
            case control.StatusReport(status):
                await self._listener.status(self, status)
            case control.Progress(key, said):
                if await self._task(key) is not None:
                    progress = RunProgress.model_validate(said)
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
        self.tell(control.LogAck(piece.key, received))

    async def _task(self, key: str) -> str | None:
        if key not in self._tasks:
            self._tasks[key] = await self._listener.task_of(self.worker_id, _run_key(key))
        return self._tasks[key]


def _run_key(text: str) -> RunKey:
    try:
        return RunKey.parse(text)
    except ValueError as error:
        raise control.Malformed(f"no run key: {text[:100]}") from error
