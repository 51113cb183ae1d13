"""A network between two processes that a test can cut, stall, slow down and make lossy.

It relays TCP connections, or those of Unix sockets, byte by byte. What a network does to packets is
seen by programs as connections that are refused, reset, silent or slow, so this needs no privilege.
"""

import asyncio
import random
import threading
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

_BLOCK = 65_536


class Relay:
    """`with Relay(to_port=…) as relay: …` or `Relay(to_socket=…, at_socket=…)`.

    Args:
        to_port: the server's port on loopback.
        to_socket: the server's Unix socket, instead.
        at_socket: the Unix socket to listen at; else it is a free port on loopback, `port`.
        seed: makes the losses repeatable, as far as traffic is.
    """

    def __init__(
        self,
        *,
        to_port: int = 0,
        to_socket: Path | None = None,
        at_socket: Path | None = None,
        seed: int = 0,
    ) -> None:
        self.port = 0
        self._to_port, self._to_socket, self._at_socket = to_port, to_socket, at_socket
        self._chance = random.Random(seed)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True, name="relay")
        self._open = asyncio.Event()
        self._writers: set[asyncio.StreamWriter] = set()
        self._is_cut = False
        self._delay_s = 0.0
        self._lost_share = 0.0

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._listen())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    # --- what befalls the network ----------------------------------------------------------------

    def cut(self) -> None:
        """Reset all connections, and each new one at once, until `mend`."""
        self._is_cut = True
        self._run(self._reset_all())

    def stall(self) -> None:
        """Carry nothing until `mend`; what was sent meanwhile arrives then."""
        self._loop.call_soon_threadsafe(self._open.clear)

    def delay(self, seconds: float) -> None:
        """Carry each block so much later."""
        self._delay_s = seconds

    def lose(self, share: float) -> None:
        """Reset a connection at this share of the blocks."""
        self._lost_share = share

    def mend(self) -> None:
        self._is_cut, self._delay_s, self._lost_share = False, 0.0, 0.0
        self._loop.call_soon_threadsafe(self._open.set)

    # --- carrying --------------------------------------------------------------------------------

    def _run(self, work: Awaitable[None]) -> None:
        async def done() -> None:
            await work

        asyncio.run_coroutine_threadsafe(done(), self._loop).result(30)

    async def _listen(self) -> None:
        self._open.set()
        if self._at_socket is not None:
            await asyncio.start_unix_server(self._carry, self._at_socket)
        else:
            server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        await self._reset_all()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for asyncio_task in others:
            asyncio_task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset_all(self) -> None:
        for writer in self._writers:
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await self._connected()
        except OSError:
            writer.transport.abort()
            return
        pair = {writer, far_writer}
        self._writers |= pair
        try:
            with suppress(OSError):
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        finally:
            self._writers -= pair
            for each in pair:
                each.transport.abort()

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._to_socket is not None:
            return await asyncio.open_unix_connection(self._to_socket)
        return await asyncio.open_connection("127.0.0.1", self._to_port)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while block := await reader.read(_BLOCK):
            await asyncio.sleep(self._delay_s)
            await self._open.wait()
            if self._chance.random() < self._lost_share:
                raise ConnectionResetError
            writer.write(block)
            await writer.drain()
        writer.write_eof()
