"""One host's connection on the control channel: reads its messages in order, sends it messages."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from manager_api.contract.machine import MachineStatistics, RunProgress
from manager_api.database.engine import DatabaseBusy
from workflows.domain import control
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.messages import RunKey

#: Run keys whose task is remembered per connection. Beyond that, the oldest is forgotten.
REMEMBERED_RUNS = 256
#: How long it is remembered whether a run is the host's, in seconds. Then the database is asked
#: again, because a worker's authority ends with its lease.
REMEMBERED_S = 30.0
#: Most messages that may wait for a host's network. Hosts get few, so more mean that it hangs.
MOST_WAITING = 1000
CLOSE_STUCK = 1011
#: The pause before a piece of a log is written again that the disk or the database did not take.
_LATE_PAUSE_S = 1.0

logger = logging.getLogger(__name__)


WorkerOf = Callable[[WebSocket], Awaitable[str | None]]
"""Returns the id of the worker whose credentials a handshake carries; None if they are wrong."""


class Listener(Protocol):
    """Receives the messages of hosts."""

    def heard(self, worker_id: str) -> None: ...
    def clock_told(self, worker_id: str, clock: float) -> None: ...
    async def beat(self, worker_id: str, statistics: MachineStatistics) -> None: ...
    async def status(self, connection: "HostConnection", status: str) -> None: ...
    async def set_aside(self, connection: "HostConnection", said: Mapping[str, Any]) -> None: ...
    async def upgrade_reported(
        self, connection: "HostConnection", report: control.UpgradeReport
    ) -> None: ...
    async def examined(self, worker_id: str, report: Mapping[str, Any]) -> None: ...
    async def task_of(self, worker_id: str, key: RunKey) -> str | None: ...
    async def progressed(self, worker_id: str, key: RunKey, progress: RunProgress) -> None: ...
    async def log(self, task_id: str, key: RunKey, offset: int, data: bytes) -> int: ...


class HostConnection:
    """A host's connection to this manager.

    It reads one frame after the other, so that a flood of logs waits in the host. Messages to the
    host go through a queue, so their senders do not wait for its network.

    Args:
        send_timeout_s: a host that does not accept a message within this time is disconnected.
        clock: in seconds of any origin.
    """

    def __init__(
        self,
        socket: WebSocket,
        worker_id: str,
        listener: Listener,
        *,
        worker_of: WorkerOf,
        send_timeout_s: float,
        clock: Callable[[], float],
    ) -> None:
        self.worker_id = worker_id
        self.session = 0
        self.greeting = control.Hello(0, "")
        self.provision: Mapping[str, Any] = {}
        """The provisioned settings that the host was last sent."""
        self._socket = socket
        self._listener = listener
        self._worker_of = worker_of
        self._send_timeout_s = send_timeout_s
        self._outgoing: asyncio.Queue[control.Message] = asyncio.Queue(MOST_WAITING)
        self._clock = clock
        self._tasks: BoundedDict[str, tuple[str | None, float]] = BoundedDict(REMEMBERED_RUNS)
        """The task of a run key, None if the run is not the host's; and until when it counts."""
        self._late: dict[str, asyncio.Task[None]] = {}
        """Pieces of logs that are not stored yet, by run. A host sends one per run at a time."""

    async def is_right(self) -> bool:
        """Return whether the credentials of this connection still are its worker's."""
        return await self._worker_of(self._socket) == self.worker_id

    async def hello(self) -> control.Hello:
        """Return the first frame, which must be a hello.

        Raises:
            Malformed: the first frame is something else.
        """
        message = control.decode(await self._frame())
        if not isinstance(message, control.Hello):
            raise control.Malformed("the first frame must be a hello")
        message.check()
        return message

    async def converse(self, welcome: control.Welcome) -> None:
        """Send the welcome, then all queued messages; handle the host's frames.

        Raises:
            Malformed: a frame is not one that hosts send.
            WebSocketDisconnect: the host disconnected.
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
            for late in self._late.values():
                late.cancel()

    def tell(self, message: control.Message) -> bool:
        """Queue a message for the host; return False if the queue is full because it hangs."""
        try:
            self._outgoing.put_nowait(message)
        except asyncio.QueueFull:
            return False
        return True

    async def close(self, code: int, reason: str) -> None:
        # The host may have closed the connection first, or have vanished.
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
        except RuntimeError as error:  # Starlette raises it if the connection was closed
            raise WebSocketDisconnect(1006) from error

    async def _frame(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", 1006))
        frame: str | bytes | None = message.get("text")
        return message["bytes"] if frame is None else frame

    async def _take(self, message: control.Message | None) -> None:
        match message:
            case control.Beat(said, clock):
                self._listener.clock_told(self.worker_id, clock)
                await self._listener.beat(self.worker_id, MachineStatistics.model_validate(said))
            case control.StatusReport(status):
                await self._listener.status(self, status)
            case control.SetAside() | control.UpgradeReport() | control.Examined():
                await self._take_report(message)
            case control.Progress(key, said):
                if await self._task(key) is not None:
                    progress = RunProgress.model_validate(said)
                    await self._listener.progressed(self.worker_id, _run_key(key), progress)
            case control.LogPiece():
                await self._take_log(message)
            case _:
                logger.info("ignored a message", extra={"worker": self.worker_id})

    async def _take_report(
        self, message: control.SetAside | control.UpgradeReport | control.Examined
    ) -> None:
        match message:
            case control.SetAside(said):
                await self._listener.set_aside(self, said)
            case control.UpgradeReport():
                await self._listener.upgrade_reported(self, message)
            case control.Examined(report):
                await self._listener.examined(self.worker_id, report)

    async def _take_log(self, piece: control.LogPiece) -> None:
        if (late := self._late.pop(piece.key, None)) is not None:
            late.cancel()
        try:
            await self._store_log(piece)
        except (DatabaseBusy, OSError) as problem:
            # The host keeps the piece until it is acknowledged, and goes on with all else.
            logger.warning("a log is stored later: %s", problem, extra={"worker": self.worker_id})
            self._late[piece.key] = asyncio.create_task(self._store_later(piece))

    async def _store_later(self, piece: control.LogPiece) -> None:
        while True:
            await asyncio.sleep(_LATE_PAUSE_S)
            with contextlib.suppress(DatabaseBusy, OSError):
                return await self._store_log(piece)

    async def _store_log(self, piece: control.LogPiece) -> None:
        task_id = await self._task(piece.key)
        # The job was deleted, or the run is not this host's: acknowledge the log without storing
        # it, or the host would send it for ever.
        received = piece.offset + len(piece.data)
        if task_id is not None:
            key = _run_key(piece.key)
            received = await self._listener.log(task_id, key, piece.offset, piece.data)
        self.tell(control.LogAck(piece.key, received))

    async def _task(self, key: str) -> str | None:
        task_id, until = self._tasks.get(key, (None, 0.0))
        if self._clock() >= until:
            task_id = await self._listener.task_of(self.worker_id, _run_key(key))
            self._tasks[key] = (task_id, self._clock() + REMEMBERED_S)
        return task_id


def _run_key(text: str) -> RunKey:
    try:
        return RunKey.parse(text)
    except ValueError as error:
        raise control.Malformed(f"not a run key: {text[:100]}") from error
