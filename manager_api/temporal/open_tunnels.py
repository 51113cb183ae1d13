"""The open tunnels of workers, so that they end when their worker loses its right to them."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from fastapi import WebSocket

from manager_api.database.loops import whenever

WorkerOf = Callable[[WebSocket], Awaitable[str | None]]
"""Returns the id of the worker whose credentials a handshake carries; None if they are wrong."""

#: Tunnels of a worker that may be open at the same time. A host has one for each of its sessions
#: that still has tasks, and a tunnel whose line was cut stays open until a ping is not answered.
MOST_OF_WORKER = 16
#: How often the credentials of open tunnels are checked, in seconds. Another manager may have
#: changed them; what this manager changes counts at once, and so does a deletion.
_CHECK_EVERY_S = 10.0

logger = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class OpenTunnel:
    """One connection of a worker."""

    worker_id: str
    websocket: WebSocket
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    reason: str = ""
    """Why it is ended; empty while it is not."""
    is_hosts_own: bool = False
    """Whether its client has shown the host's key. Other users of the host's machine do not."""

    def end(self, reason: str) -> None:
        self.reason = reason
        self.ended.set()


class OpenTunnels:
    """The workers' tunnels to this manager. `run()` ends those whose credentials are void."""

    def __init__(self, worker_of: WorkerOf, check_every_s: float = _CHECK_EVERY_S) -> None:
        self._worker_of = worker_of
        self._check_every_s = check_every_s
        self._tunnels: list[OpenTunnel] = []
        """The oldest first."""
        self._soon = asyncio.Event()

    @contextlib.contextmanager
    def opened(self, worker_id: str, websocket: WebSocket) -> Iterator[OpenTunnel]:
        """Keep a tunnel while the context lasts.

        One too many ends the oldest that is not the host's own, or else the host's oldest.
        """
        others = sorted(self._of(worker_id), key=lambda tunnel: tunnel.is_hosts_own)
        if len(others) >= MOST_OF_WORKER:
            logger.warning("a worker has too many tunnels", extra={"worker": worker_id})
            others[0].end("the worker has opened others")
        tunnel = OpenTunnel(worker_id, websocket)
        self._tunnels.append(tunnel)
        try:
            yield tunnel
        finally:
            self._tunnels.remove(tunnel)

    def close_worker(self, worker_id: str) -> None:
        """End all tunnels of a worker. Call it from the event loop."""
        for tunnel in self._of(worker_id):
            tunnel.end("the worker may not use it any more")

    def check_soon(self) -> None:
        """Check the credentials of all tunnels soon. Call it from the event loop."""
        self._soon.set()

    async def run(self) -> None:
        """Check the credentials again and again, until canceled."""
        await whenever(self._soon, self._check, tick_s=self._check_every_s)

    async def _check(self) -> None:
        tunnels = tuple(self._tunnels)
        # All at once, because the database answers such questions together.
        workers = await asyncio.gather(*(self._worker_of(each.websocket) for each in tunnels))
        for tunnel, worker_id in zip(tunnels, workers, strict=True):
            if worker_id != tunnel.worker_id:
                # Those with newer credentials end, too; the host opens them again.
                self.close_worker(tunnel.worker_id)

    def _of(self, worker_id: str) -> list[OpenTunnel]:
        """Return the tunnels of a worker that are not ended yet, the oldest first."""
        return [each for each in self._tunnels if each.worker_id == worker_id and not each.reason]
