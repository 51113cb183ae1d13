"""The client's end of the tunnel: a loopback port whose connections reach Temporal by the manager.

Protocol: one WebSocket per TCP connection carries the bytes of both directions in binary frames.
An empty frame says that its sender sends no more bytes (TCP's half-close, which WebSockets lack).
"""

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from types import TracebackType
from typing import Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus, WebSocketException

from activities.connections.failures import why_it_failed
from activities.connections.retrying import ChangeLog, Pauses
from activities.connections.trust import context_for

#: The path at which the manager serves its end.
TUNNEL_PATH = "/api/tablao/v1/temporal"
#: The header of the handshake with which a host names a key of its process. Each call of Temporal
#: through the tunnel has the same key in its metadata, under the same name. Other users of the
#: host's machine, who can connect to the loopback port, do not know it.
KEY_HEADER = "tablao-host-key"

#: The most bytes per frame, well below any WebSocket library's limit for a message.
CHUNK = 64 * 1024
_NO_MORE = b""
_CANCEL_AGAIN_S = 1.0
# In seconds. When it starts, both directions have ended, or the connection is lost anyway.
_CLOSE_TIMEOUT = 1.0
# In seconds, between two attempts to reach a manager that is away.
_PAUSE = 0.5

Headers = Callable[[], Mapping[str, str]]
"""Returns the headers of a handshake, which hold the credentials of the moment."""

logger = logging.getLogger(__name__)
# At level DEBUG the library logs request headers, and with them our credentials.
_library_logger = logging.getLogger(f"{__name__}.websocket")
_library_logger.setLevel(logging.INFO)


async def carry(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    send: Callable[[bytes], Awaitable[None]],
    receive: Callable[[], Awaitable[bytes]],
) -> None:
    """Carry a TCP connection's bytes to and from a WebSocket until both directions have ended.

    A slow reader slows the sender, because no more is read than could be passed on.

    Raises:
        Exception: the exception of the side that broke first.
    """
    try:
        async with asyncio.TaskGroup() as directions:
            outward = directions.create_task(_carry_outward(reader, send))
            await _carry_inward(writer, receive)
            # No more bytes will come, but only a reader notices when the WebSocket is lost.
            listening = directions.create_task(_listen(receive, outward))
            outward.add_done_callback(lambda _: listening.cancel())
    except ExceptionGroup as broken:
        raise broken.exceptions[0] from None


async def _carry_outward(
    reader: asyncio.StreamReader, send: Callable[[bytes], Awaitable[None]]
) -> None:
    while data := await reader.read(CHUNK):
        await send(data)
    await send(_NO_MORE)


async def _carry_inward(
    writer: asyncio.StreamWriter, receive: Callable[[], Awaitable[bytes]]
) -> None:
    while data := await receive():
        # Event loops raise different exceptions for a write to a lost connection.
        if writer.is_closing():
            raise ConnectionResetError("the connection was lost")
        writer.write(data)
        await writer.drain()
    if not writer.is_closing():
        writer.write_eof()


async def _listen(receive: Callable[[], Awaitable[bytes]], outward: asyncio.Task[None]) -> None:
    while not outward.done():
        await receive()


class Tunnel:
    """A loopback port on this machine that leads to the Temporal of a manager elsewhere.

    While the manager is away, connections to the port wait for it, at most for `patience`, and are
    then closed. Temporal's clients try again by themselves.

    Args:
        url: The manager's end, `ws://` or `wss://` (`http://` and `https://` mean the same).
        headers: Called for each request.
        listen_port: The port to open; 0 lets the system choose.
        open_timeout: Seconds within which the manager must answer.
        patience: Seconds for which a connection waits for a manager that is away. A client whose
            connections fail at once makes longer and longer pauses, and so is late when the
            manager is back.
        context: For TLS; None: the system's authorities are trusted.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Headers,
        listen_port: int = 0,
        open_timeout: float = 10.0,
        patience: float = 0.0,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._url = url.replace("http", "ws", 1) if url.startswith("http") else url
        self._headers = headers
        self._port = listen_port
        self._open_timeout = open_timeout
        self._patience = patience
        self._context = context_for(self._url, context)
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()
        self._log = ChangeLog(logger)

    @property
    def address(self) -> str:
        """The port's `host:port`, for Temporal's clients on this machine."""
        if self._server is None:
            raise RuntimeError("the tunnel is not open")
        return f"127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Open the port; the manager need not be there yet.

        Raises:
            OSError: The port is taken.
        """
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Close the port and every connection through it."""
        if self._server is None:
            return
        self._server.close()
        # Repeated, because a connection that is just being opened or cut may take its cancellation
        # for a failure, and would then try again for as long as its patience lasts.
        while self._connections:
            for connection in self._connections:
                connection.cancel()
            await asyncio.wait(self._connections, timeout=_CANCEL_AGAIN_S)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = asyncio.create_task(self._serve(reader, writer), name="tunnel connection")
        self._connections.add(connection)
        connection.add_done_callback(self._connections.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._forward(reader, writer)
        except (OSError, WebSocketException) as problem:
            self._log.fails(f"The tunnel to Temporal is interrupted: {_sentence(problem)}")
            # A reset tells the client that the connection was cut, and did not end properly.
            writer.transport.abort()
        finally:
            writer.close()

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with await self._reach() as manager:

            async def receive() -> bytes:
                data = await manager.recv(decode=False)
                self._log.works("The tunnel to Temporal is open")
                return data

            try:
                await carry(reader, writer, manager.send, receive)
            except OSError:
                # Our own client has left; the manager may be well.
                manager.transport.abort()
            except asyncio.CancelledError:
                # A proper close would wait for a stuck reader to take the bytes before it.
                manager.transport.abort()
                raise

    async def _reach(self) -> ClientConnection:
        deadline = asyncio.get_running_loop().time() + self._patience
        pauses = Pauses(_PAUSE, _PAUSE)
        while True:
            try:
                return await connect(
                    self._url,
                    ssl=self._context,
                    additional_headers=self._headers(),
                    open_timeout=self._open_timeout,
                    close_timeout=_CLOSE_TIMEOUT,
                    # There are many small frames, and compressing them costs more than it saves.
                    compression=None,
                    logger=_library_logger,
                )
            except (OSError, WebSocketException) as problem:
                if _is_refusal(problem) or asyncio.get_running_loop().time() > deadline:
                    raise
                self._log.fails(f"The tunnel to Temporal is interrupted: {_sentence(problem)}")
            await pauses.pause()


def _is_refusal(problem: Exception) -> bool:
    """Return whether another attempt would not help."""
    return isinstance(problem, InvalidStatus) and problem.response.status_code < 500


def _sentence(problem: Exception) -> str:
    """Describe a failure without headers and addresses, which may hold credentials."""
    if isinstance(problem, InvalidStatus) and problem.response.status_code == HTTPStatus.FORBIDDEN:
        return "the manager does not let us pass; a new worker must be let in first"
    return why_it_failed(problem)
