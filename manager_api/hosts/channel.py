"""The manager's end of the control channel to hosts: presence, progress, logs, orders.

All of it is in memory and may be lost at any time; whatever it speeds up comes about without it
too (docs/protocol.md). What outlives a manager is behind `HostRecords` and `TaskLog`.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from manager_api.contract.machine import MachineStatistics, RunProgress
from manager_api.database.loops import whenever
from manager_api.hosts.connection import HostConnection
from manager_api.hosts.progress import ProgressOfRuns, ProgressRecords
from manager_api.workers.machine_history import HostHistory
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import REPORTED_BY_HOSTS, is_lost

_GOING_AWAY, _BROKEN = 1001, 1011
_NOTHING_SAID = MachineStatistics()
_DISMISSED = "this worker was deleted"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """Times in seconds; scaled down together in tests."""

    beat_s: float = 5.0
    lost_after_s: float = 15.0
    seen_every_s: float = 10.0
    """How often `last_seen` is stored per worker."""
    steps_every_s: float = 0.5
    """How often completed steps and memory peaks are stored, all of the farm together."""
    temporal_address: str = ""
    """Where hosts find Temporal; empty: through the manager's tunnel."""
    namespace: str = "default"


@dataclass(frozen=True, slots=True)
class HelloAnswer:
    """The manager's answer to the hello of a host."""

    status: WorkerStatus
    """The status that the host is to take."""
    is_lazy: bool = False
    """Running tasks may end before the host changes its status."""
    stop: tuple[str, ...] = ()
    """Runs that the hello named and that have no open lease."""
    settled: tuple[str, ...] = ()
    """Runs that the hello named and whose end is recorded."""
    provision: Mapping[str, Any] = field(default_factory=dict)
    """The settings that the farm keeps for this host."""


class HostRecords(ProgressRecords, Protocol):
    """The database, as hosts need it."""

    async def open_session(self, worker_id: str, hello: control.Hello) -> int | None:
        """The session that the host has from now on; None: a newer one exists."""
        ...

    async def hello_answer(self, worker_id: str, hello: control.Hello) -> HelloAnswer: ...

    async def reported_status(self, worker_id: str, session: int, status: WorkerStatus) -> None:
        """Store the reported status; ignore it if it comes from an older session."""
        ...

    async def seen(self, worker_ids: Collection[str]) -> None: ...

    async def deleted(self, worker_ids: Collection[str]) -> Collection[str]:
        """Those of them whose worker is no more."""
        ...

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        """The id of a run's task; None if the worker never had a lease for that run."""
        ...


class TaskLog(Protocol):
    async def write_chunk(
        self, job_id: str, task_id: str, attempt: int, offset: int, data: bytes
    ) -> int:
        """Append what is new of it; returns up to which offset the log is stored."""
        ...


def _nothing() -> None: ...


def _untold(worker_id: str, statistics: MachineStatistics) -> None: ...


class Hosts:
    """The hosts connected to this manager. `run()` keeps it going while the manager lives."""

    def __init__(
        self,
        records: HostRecords,
        logs: TaskLog,
        settings: ChannelSettings = ChannelSettings(),
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.on_change: Callable[[], None] = _nothing
        """Called when a host came, went, was lost or changed its status; must not block."""
        self.on_statistics: Callable[[str, MachineStatistics], None] = _untold
        """Called with what a host said of its machine; must not block."""
        self.history = HostHistory()
        self._records = records
        self._logs = logs
        self._settings = settings
        self._clock = clock
        self._listening_since = clock()
        self._connections: dict[str, HostConnection] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._last_heard: dict[str, float] = {}
        self._missing: set[str] = set()
        self._statistics: dict[str, MachineStatistics] = {}
        self._progress = ProgressOfRuns(records)
        self._seen: set[str] = set()
        self._deletion = asyncio.Event()

    # --- asked by the keeper, services and routers ------------------------------------------------

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the workers whose channel is open."""
        return frozenset(self._connections)

    def is_present(self, worker_id: str) -> bool:
        """Whether it was heard of recently.

        Everybody counts as present until the manager has been listening for long enough
        (protocol rule 10).
        """
        return not is_lost(
            self._last_heard.get(worker_id),
            self._clock(),
            listening_since=self._listening_since,
            lost_after_s=self._settings.lost_after_s,
        )

    def statistics(self, worker_id: str) -> MachineStatistics:
        """What the host last said of its machine; nothing is known if it has not."""
        return self._statistics.get(worker_id, _NOTHING_SAID)

    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]:
        """By index, how far its tasks are whose hosts have said it."""
        return self._progress.of_job(job_id)

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        """Order a run to be stopped. False: the host is not connected here."""
        return self._tell(worker_id, control.StopRun(str(key), reason))

    async def settled(self, worker_id: str, key: RunKey) -> None:
        """The database has the end of this run; its host may forget it."""
        self._progress.settled(key)
        self._tell(worker_id, control.Settled(str(key)))

    async def order_status(
        self, worker_id: str, status: WorkerStatus, *, is_lazy: bool = False
    ) -> bool:
        """Order a host to sleep, wake, shut down or restart. False: not connected here."""
        return self._tell(worker_id, control.StatusOrder(str(status), is_lazy))

    def provisioned(self, worker_id: str, provision: Mapping[str, Any]) -> None:
        """Tell a host what is set for it now, unless that is what it was told last."""
        connection = self._connections.get(worker_id)
        if connection is not None and connection.provision != provision:
            connection.provision = provision
            connection.tell(control.Provisioned(provision))

    async def disconnect(self, worker_id: str, reason: str) -> None:
        """Close a host's channel: its worker was deleted, say."""
        if connection := self._connections.get(worker_id):
            await connection.close(_GOING_AWAY, reason)

    # --- a host's connection ----------------------------------------------------------------------

    async def serve(self, socket: WebSocket, worker_id: str) -> None:
        """Serve one host, whose credentials were checked, until it goes."""
        connection = HostConnection(
            socket, worker_id, self, send_timeout_s=self._settings.lost_after_s
        )
        await socket.accept()
        try:
            if await self._admit(connection):
                await connection.converse(await self._welcome(connection))
        except WebSocketDisconnect:
            pass
        except TimeoutError:
            await connection.close(control.CLOSE_MALFORMED, "too slow")
        except control.Malformed as problem:
            logger.warning("a host was cut off: %s", problem, extra={"worker": worker_id})
            await connection.close(control.CLOSE_MALFORMED, str(problem)[:100])
        except Exception:
            # The host comes again and repeats what was not acknowledged.
            logger.exception("a host's connection broke", extra={"worker": worker_id})
            await connection.close(_BROKEN, "the manager had a problem; come again")
        finally:
            if self._connections.get(worker_id) is connection:
                del self._connections[worker_id]
                self.on_change()

    async def _admit(self, connection: HostConnection) -> bool:
        """Whether the host may stay; another one in its place is sent away."""
        async with asyncio.timeout(self._settings.lost_after_s):
            connection.greeting = await connection.hello()
        worker_id = connection.worker_id
        session = await self._records.open_session(worker_id, connection.greeting)
        if session is None:
            if await self._records.deleted([worker_id]):
                await connection.close(control.CLOSE_DISMISSED, _DISMISSED)
            else:
                await connection.close(control.CLOSE_SUPERSEDED, "superseded")
            return False
        connection.session = session
        older = self._connections.get(worker_id)
        self._connections[worker_id] = connection
        self.heard(worker_id)
        if older is not None:
            is_other = older.session != session
            code = control.CLOSE_SUPERSEDED if is_other else _GOING_AWAY
            # A line that was cut takes its time, and the host has come over another one.
            closing = asyncio.create_task(older.close(code, "the host has connected again"))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self.on_change()
        return True

    async def _welcome(self, connection: HostConnection) -> control.Welcome:
        """Read after the connection is registered, so an order given meanwhile is not lost."""
        answer = await self._records.hello_answer(connection.worker_id, connection.greeting)
        connection.provision = answer.provision
        return control.Welcome(
            session=connection.session,
            worker_id=connection.worker_id,
            status=str(answer.status),
            is_lazy=answer.is_lazy,
            beat_s=self._settings.beat_s,
            lost_after_s=self._settings.lost_after_s,
            temporal=self._settings.temporal_address,
            namespace=self._settings.namespace,
            stop=answer.stop,
            settled=answer.settled,
            provision=answer.provision,
        )

    def _tell(self, worker_id: str, message: control.Message) -> bool:
        connection = self._connections.get(worker_id)
        return connection is not None and connection.tell(message)

    # --- what hosts say ---------------------------------------------------------------------------

    def heard(self, worker_id: str) -> None:
        self._last_heard[worker_id] = self._clock()
        self._seen.add(worker_id)
        if worker_id in self._missing:
            self._missing.discard(worker_id)
            self.on_change()

    async def beat(self, worker_id: str, statistics: MachineStatistics) -> None:
        self._statistics[worker_id] = statistics
        self.history.heard(worker_id, statistics)
        self.on_statistics(worker_id, statistics)

    async def status(self, connection: HostConnection, status: str) -> None:
        if status not in REPORTED_BY_HOSTS:
            raise control.Malformed(f"no status that a host has: {status[:50]}")
        await self._records.reported_status(
            connection.worker_id, connection.session, WorkerStatus(status)
        )
        self.on_change()

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        return await self._records.task_of(worker_id, key)

    async def progressed(self, worker_id: str, key: RunKey, progress: RunProgress) -> None:
        self._progress.said(worker_id, key, progress)

    async def log(self, task_id: str, key: RunKey, offset: int, data: bytes) -> int:
        return await self._logs.write_chunk(key.job_id, task_id, key.attempt, offset, data)

    # --- housekeeping -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Notice who is lost; store what is not worth a transaction of its own. Until canceled."""
        async with asyncio.TaskGroup() as duties:
            duties.create_task(self._every(self._settings.lost_after_s / 10, self._miss))
            duties.create_task(self._every(self._settings.seen_every_s, self._store_seen))
            duties.create_task(
                self._every(self._settings.steps_every_s, self._progress.store_steps)
            )
            duties.create_task(
                self._every(self._settings.steps_every_s, self._progress.store_memory)
            )
            duties.create_task(
                whenever(self._deletion, self._dismiss, tick_s=self._settings.seen_every_s)
            )

    async def _every(self, pause_s: float, duty: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(pause_s)
            try:
                await duty()
            except Exception:
                # A busy database must not end the watch over the farm; the next round tries again.
                logger.exception("housekeeping of hosts failed")

    def look_for_deleted(self) -> None:
        """Some worker was deleted; call it from the event loop."""
        self._deletion.set()

    async def _dismiss(self) -> None:
        """Send hosts away whose worker is no more; another manager may have been told to."""
        try:
            for worker_id in await self._records.deleted(self.connected):
                if connection := self._connections.get(worker_id):
                    await connection.close(control.CLOSE_DISMISSED, _DISMISSED)
        except Exception:
            logger.exception("housekeeping of hosts failed")

    async def _miss(self) -> None:
        silent = {worker for worker in self._last_heard if not self.is_present(worker)}
        newly_lost = silent - self._missing
        self._missing |= newly_lost
        for worker_id in newly_lost:
            self._forget(worker_id)
        if newly_lost:
            logger.warning("hosts fell silent", extra={"workers": sorted(newly_lost)})
            self.on_change()

    def _forget(self, worker_id: str) -> None:
        self._statistics.pop(worker_id, None)
        self._progress.forget(worker_id)

    async def _store_seen(self) -> None:
        seen, self._seen = self._seen, set()
        if seen:
            await self._records.seen(seen)
