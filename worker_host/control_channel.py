"""The host's end of the control channel: connected whenever the manager can be reached.

A message that cannot be sent now is not kept here. Statistics and progress are soon out of date,
the status is reported again with each connection, and logs stay in the runs' own files until the
manager has acknowledged them (docs/worker-host.md).
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException

from activities.connections.failures import why_it_failed
from activities.connections.retrying import ChangeLog, Pauses
from activities.connections.trust import context_for
from activities.connections.tunnel_client import Headers
from workflows.domain import control
from workflows.domain.messages import RunKey

logger = logging.getLogger(__name__)
# At level DEBUG the library logs request headers, and with them our credentials.
_library_logger = logging.getLogger(f"{__name__}.websocket")
_library_logger.setLevel(logging.INFO)


class Superseded(Exception):
    """Another process has signed on with the same credentials, and replaces this one."""


class Dismissed(Exception):
    """The farm does not know this worker any more, because it was deleted."""


#: The handshake's answer to a worker that the farm does not know. A single one may come from a
#: proxy, so only several in a row count.
_FORBIDDEN = 403
_FORBIDDEN_OFTEN = 3


@dataclass(frozen=True, slots=True)
class ChannelTimes:
    """The channel's times, in seconds; tests scale them down together."""

    retry_from_s: float = 0.2
    retry_to_s: float = 5.0
    open_timeout_s: float = 10.0
    ping_every_s: float = 10.0
    silent_s: float = 15.0
    """After this time without an answer, the manager counts as away, even if TCP is connected."""
    progress_every_s: float = 0.5
    """The pause between two reports of a run's progress; each has the newest progress."""


class Receiver(Protocol):
    """Receives the manager's messages. It is called on the event loop, and must not block.

    A `ValueError` closes the connection: the manager has sent a message that makes no sense.
    """

    def hello(self) -> control.Hello: ...
    def welcomed(self, welcome: control.Welcome) -> None: ...
    def told(self, message: control.Told) -> None: ...
    async def statistics(self) -> Mapping[str, Any]: ...


class ControlChannel:
    """The channel's WebSocket, which is opened again whenever it breaks.

    Args:
        url: the manager's, `http://…` or `https://…`.
        headers: returns the headers that hold the worker's credentials now.
        context: for TLS; None: the system's authorities are trusted.
    """

    def __init__(
        self,
        url: str,
        headers: Headers,
        receiver: Receiver,
        times: ChannelTimes = ChannelTimes(),
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url.rstrip("/").replace("http", "ws", 1) + control.PATH
        self._headers = headers
        self._context = context_for(self._url, context)
        self._receiver = receiver
        self._times = times
        self._open: ClientConnection | None = None
        self._acks: dict[str, asyncio.Future[int]] = {}
        self._progress: dict[RunKey, Mapping[str, Any]] = {}
        self._pauses = Pauses(times.retry_from_s, times.retry_to_s)
        self._log = ChangeLog(logger)

    @property
    def is_connected(self) -> bool:
        return self._open is not None

    async def run(self) -> None:
        """Stay connected until canceled.

        Raises:
            Superseded: the manager knows a newer session of this worker.
            Dismissed: the worker was deleted.
        """
        forbidden = 0
        while True:
            try:
                await self._one_connection()
            except ConnectionClosed as end:
                forbidden = 0
                _check_close(end)
                if end.rcvd_then_sent is not False:  # else this host has closed it
                    self._log.fails(f"The manager is away: {_sentence(end)}")
            except (OSError, WebSocketException, ValueError) as problem:
                forbidden = forbidden + 1 if _is_forbidden(problem) else 0
                if forbidden >= _FORBIDDEN_OFTEN:
                    raise Dismissed from None
                self._log.fails(f"The manager cannot be reached: {_sentence(problem)}")
            await self._pauses.pause()

    async def send(self, message: control.Message) -> bool:
        """Send a message; return False if it cannot be sent now. It is not kept then."""
        if self._open is None:
            return False
        try:
            await self._open.send(control.encode(message))
        except (ConnectionClosed, OSError):
            return False
        return True

    async def send_log(self, key: RunKey, offset: int, data: bytes) -> int:
        """Send a piece of a log, one at a time per run.

        Returns:
            The offset up to which the manager has stored the log, exclusive.

        Raises:
            ConnectionError: the manager has not acknowledged the piece.
        """
        name = str(key)
        ack: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._acks[name] = ack
        try:
            if not await self.send(control.LogPiece(name, offset, data)):
                ack.cancel()
                raise ConnectionError("the manager cannot be reached")
            return await ack
        finally:
            if self._acks.get(name) is ack:
                del self._acks[name]

    def send_progress(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        """Send a run's progress with the next report; only the newest progress counts."""
        self._progress[key] = progress

    async def reconnect(self) -> None:
        """Open another connection, with the headers of the moment."""
        if self._open is not None:
            await self._open.close()

    async def _one_connection(self) -> None:
        async with connect(
            self._url,
            ssl=self._context,
            additional_headers=self._headers(),
            open_timeout=self._times.open_timeout_s,
            close_timeout=1,
            ping_interval=self._times.ping_every_s,
            ping_timeout=self._times.silent_s,
            # Compressing costs more than it saves on a render farm's network.
            compression=None,
            logger=_library_logger,
        ) as socket:
            await socket.send(control.encode(self._receiver.hello()))
            async with asyncio.timeout(self._times.silent_s):
                welcome = control.decode(await socket.recv())
            if not isinstance(welcome, control.Welcome):
                raise control.Malformed("the manager did not answer with a welcome")
            await self._converse(socket, welcome)

    async def _converse(self, socket: ClientConnection, welcome: control.Welcome) -> None:
        self._open = socket
        self._pauses.start_over()
        self._log.works("Connected to the manager")
        duties = [
            asyncio.create_task(self._beat(welcome.beat_s), name="beats"),
            asyncio.create_task(self._tell_progress(), name="progress"),
        ]
        try:
            self._receiver.welcomed(welcome)
            while True:
                self._take(control.decode(await socket.recv()))
        finally:
            self._open = None
            for duty in duties:
                duty.cancel()
            for ack in self._acks.values():
                if not ack.done():
                    ack.set_exception(ConnectionError("the manager went away"))

    def _take(self, message: control.Message | None) -> None:
        match message:
            case control.LogAck(key, offset):
                ack = self._acks.get(key)
                if ack is not None and not ack.done():
                    ack.set_result(offset)
            case (
                control.StopRun()
                | control.Settled()
                | control.StatusOrder()
                | control.Provisioned()
                | control.Forgive()
                | control.Examine()
                | control.NewSecret()
                | control.Upgrade()
            ):
                self._receiver.told(message)
            case _:
                logger.info("ignored a message of the manager")

    async def _beat(self, beat_s: float) -> None:
        while True:
            await self.send(control.Beat(await self._receiver.statistics(), time.time()))
            await asyncio.sleep(beat_s)

    async def _tell_progress(self) -> None:
        while True:
            await asyncio.sleep(self._times.progress_every_s)
            told, self._progress = self._progress, {}
            for key, progress in told.items():
                await self.send(control.Progress(str(key), progress))


def _check_close(end: ConnectionClosed) -> None:
    """Raise an exception if the connection was closed for good.

    Raises:
        Superseded: another process has replaced this one.
        Dismissed: the worker was deleted.
    """
    match end.rcvd.code if end.rcvd is not None else None:
        case control.CLOSE_SUPERSEDED:
            raise Superseded from None
        case control.CLOSE_DISMISSED:
            raise Dismissed from None


def _is_forbidden(problem: Exception) -> bool:
    return isinstance(problem, InvalidStatus) and problem.response.status_code == _FORBIDDEN


def _sentence(problem: Exception) -> str:
    """Describe a failure without headers and addresses, which may hold credentials."""
    match problem:
        case ValueError() if not isinstance(problem, UnicodeError | OSError):
            return f"it sent a message that this build does not understand: {problem}"
        case _:
            return why_it_failed(problem)
