"""Keeps a Temporal worker on the task queue of this host's session, also after failures.

No activity is cut off here. A Temporal worker that broke, or whose session is over, stops asking
for tasks, but its activities still report when their runs end.
"""

import asyncio
import logging
import secrets
import ssl
from collections.abc import Awaitable, Callable, Collection, Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.service import GrpcCompression, KeepAliveConfig, RPCError
from temporalio.worker import Worker

from activities.connections.converter import DATA_CONVERTER
from activities.connections.retrying import ChangeLog, Pauses
from activities.connections.tunnel_client import KEY_HEADER, TUNNEL_PATH, Headers, Tunnel
from activities.process.deployment import DEPLOYMENT
from workflows.domain.control import Welcome
from workflows.domain.messages import RunKey, worker_task_queue
from workflows.domain.provisioning import MOST_SLOTS

logger = logging.getLogger(__name__)

Connect = Callable[[Welcome], Awaitable[Client]]

#: In seconds: longer than a manager takes to come back, but shorter than the time-out of Temporal's
#: calls.
_TUNNEL_PATIENCE_S = 25.0
#: So many checks in a row are left out while no run lives here and Temporal answered the last one:
#: only runs need to know, and a run comes by Temporal.
_SPARED_CHECKS = 11
_MOST_POLLS = 5
#: A Temporal worker whose session is over ends only when its activities have ended.
_AS_LONG_AS_IT_TAKES = timedelta(days=365)


class TunneledTemporal:
    """Connects to Temporal in the way that the manager says: by its tunnel, or at an address.

    Args:
        headers: returns the headers that hold the worker's credentials now.
    """

    def __init__(
        self,
        manager: str,
        headers: Headers,
        identity: str,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._manager = manager
        self._context = context
        self._headers = headers
        self._key = {KEY_HEADER: secrets.token_urlsafe(32)}
        self._identity = identity
        self._open = AsyncExitStack()
        self._tunnel: Tunnel | None = None

    async def connect(self, welcome: Welcome) -> Client:
        is_tunneled = not welcome.temporal
        return await Client.connect(
            await self._tunneled() if is_tunneled else welcome.temporal,
            namespace=welcome.namespace,
            # The tunnel's own pings notice a manager that is gone.
            keep_alive_config=None if is_tunneled else KeepAliveConfig.default,
            data_converter=DATA_CONVERTER,
            identity=self._identity,
            rpc_metadata=self._key,
            # Calls are small, and compressing them costs more than it saves.
            grpc_compression=GrpcCompression.NONE,
        )

    async def close(self) -> None:
        await self._open.aclose()

    async def _tunneled(self) -> str:
        if self._tunnel is None:
            tunnel = Tunnel(
                self._manager + TUNNEL_PATH,
                headers=lambda: {**self._headers(), **self._key},
                patience=_TUNNEL_PATIENCE_S,
                context=self._context,
            )
            self._tunnel = await self._open.enter_async_context(tunnel)
        return self._tunnel.address


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """Settings of the link; times are in seconds."""

    slots: int = 1
    spare_slots: int = 2
    heartbeat_every_s: float = 5.0
    check_every_s: float = 5.0
    """The pause between two checks whether Temporal answers."""
    retry_from_s: float = 0.2
    retry_to_s: float = 5.0

    @property
    def polls(self) -> int:
        """How many polls wait for tasks. One that has brought a task begins again at once.

        Each occupies the server, which may serve a thousand hosts.
        """
        return min(self.slots, _MOST_POLLS)


class TemporalLink:
    """Runs the Temporal worker of the host's present session.

    Args:
        live_runs: returns the runs that live on this machine.
    """

    def __init__(
        self,
        activities: Sequence[Callable[..., Any]],
        connect: Connect,
        settings: LinkSettings = LinkSettings(),
        *,
        live_runs: Callable[[], Collection[RunKey]] = tuple,
    ) -> None:
        self._activities = activities
        self._connect = connect
        self._settings = settings
        self._live_runs = live_runs
        self._welcome: Welcome | None = None
        self._changed = asyncio.Event()
        self._client: Client | None = None
        self._workers: dict[asyncio.Task[None], Worker] = {}
        self._shutting_down: set[asyncio.Task[None]] = set()
        self._pauses = Pauses(settings.retry_from_s, settings.retry_to_s)
        self._log = ChangeLog(logger)
        self.is_connected = False
        """Whether Temporal answered when it was last asked."""

    def assign(self, welcome: Welcome) -> None:
        """Serve this session from now on."""
        same = self._welcome is not None and _place(self._welcome) == _place(welcome)
        self._welcome = welcome
        if not same:
            self._changed.set()

    async def run(self) -> None:
        """Serve the assigned sessions until canceled."""
        async with asyncio.TaskGroup() as duties:
            duties.create_task(self._serve(), name="temporal link")
            duties.create_task(self._check(), name="temporal check")

    async def close(self, timeout_s: float) -> bool:
        """Stop asking for tasks, and wait until the last outcomes are delivered.

        It may be called again.

        Args:
            timeout_s: how long to wait at most.

        Returns:
            False if Temporal has not taken all outcomes in time.
        """
        workers = dict(self._workers)
        ending = [asyncio.create_task(worker.shutdown()) for worker in workers.values()]
        if workers:
            await asyncio.wait(workers, timeout=timeout_s)
        for shutdown in ending:
            shutdown.cancel()
        return not self._workers

    async def _serve(self) -> None:
        await self._changed.wait()
        while True:
            self._changed.clear()
            try:
                await self._poll_for(self._welcome)
            except (RPCError, RuntimeError, OSError) as problem:
                self._log.fails(f"Temporal cannot be reached: {problem}")
            self._client = None
            if not self._changed.is_set():
                await self._pauses.pause()

    async def _poll_for(self, welcome: Welcome | None) -> None:
        """Serve a session until another one is assigned, or the Temporal worker breaks.

        Raises:
            RPCError, RuntimeError, OSError: the Temporal worker could not begin.
        """
        if welcome is None:
            return
        # Each Temporal worker gets a client of its own: two workers of one client must not share a
        # queue, and a broken worker stays until its activities end.
        client = await self._connect(welcome)
        broke = asyncio.Event()
        worker = self._worker(client, welcome, broke)
        polling = asyncio.create_task(worker.run(), name="temporal worker")
        self._workers[polling] = worker
        polling.add_done_callback(self._ended)
        self._client, self.is_connected = client, True
        await _first(polling, broke.wait(), self._changed.wait())
        if polling.done() and not polling.cancelled() and (error := polling.exception()):
            raise error
        if not polling.done() and not broke.is_set():
            self._shutting_down.add(ending := asyncio.create_task(worker.shutdown()))
            ending.add_done_callback(self._shutting_down.discard)

    def _worker(self, client: Client, welcome: Welcome, broke: asyncio.Event) -> Worker:
        async def on_fatal_error(error: BaseException) -> None:
            self._log.fails(f"Temporal broke off: {error}")
            broke.set()

        settings = self._settings
        return Worker(
            client,
            task_queue=worker_task_queue(welcome.worker_id, welcome.session),
            activities=self._activities,
            # The farm may give this host more slots at any time; leases limit how many are used.
            # Each slot may have a run on deck.
            max_concurrent_activities=2 * MOST_SLOTS + settings.spare_slots,
            max_concurrent_activity_task_polls=settings.polls,
            max_heartbeat_throttle_interval=timedelta(seconds=settings.heartbeat_every_s),
            default_heartbeat_throttle_interval=timedelta(seconds=settings.heartbeat_every_s),
            graceful_shutdown_timeout=_AS_LONG_AS_IT_TAKES,
            on_fatal_error=on_fatal_error,
            deployment_config=DEPLOYMENT,
        )

    def _ended(self, polling: asyncio.Task[None]) -> None:
        del self._workers[polling]
        if not polling.cancelled():
            polling.exception()  # marks the exception as seen; `_poll_for` has reported it

    async def _check(self) -> None:
        spared = 0
        while True:
            await asyncio.sleep(self._settings.check_every_s)
            if self.is_connected and not self._live_runs() and spared < _SPARED_CHECKS:
                spared += 1
                continue
            spared = 0
            self.is_connected = await self._answers()
            if self.is_connected:
                self._pauses.start_over()
                self._log.forget()

    async def _answers(self) -> bool:
        if self._client is None:
            return False
        try:
            return await self._client.service_client.check_health(
                timeout=timedelta(seconds=self._settings.check_every_s)
            )
        except (RPCError, RuntimeError):
            return False


def _place(welcome: Welcome) -> tuple[str, int, str, str]:
    return (welcome.worker_id, welcome.session, welcome.temporal, welcome.namespace)


async def _first(polling: asyncio.Task[None], *events: Coroutine[Any, Any, Any]) -> None:
    """Wait until `polling` or one of `events` ends first; cancel the other events."""
    waiting = [asyncio.create_task(event) for event in events]
    try:
        await asyncio.wait([polling, *waiting], return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waiting:
            each.cancel()
