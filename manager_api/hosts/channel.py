"""The manager's end of the control channel to hosts: presence, progress, logs, orders.

Its state is in memory and may be lost at any time. The channel only speeds things up: without it
they happen later (docs/protocol.md). `HostRecords` and `TaskLog` store what must outlive a manager.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from fastapi import WebSocket, WebSocketDisconnect

from activities.connections.retrying import ChangeLog
from manager_api.contract.machine import MachineStatistics, RunProgress
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import DatabaseBusy
from manager_api.database.loops import whenever
from manager_api.hosts.connection import HostConnection, WorkerOf
from manager_api.hosts.progress import ProgressOfRuns, ProgressRecords
from manager_api.workers.machine_history import HostHistory
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import REPORTED_BY_HOSTS, is_lost, next_loss_s

_GOING_AWAY, _BROKEN = 1001, 1011
_NOTHING_SAID = MachineStatistics()
_DISMISSED = "this worker was deleted"
#: How long a host waits for a busy database before it has to connect again. It is heard of
#: meanwhile only if that is much shorter than `lost_after_s`.
_BUSY_WAIT_S = 3.0
_MOMENT_S = 0.01
#: A clock may be off by decades, as after a flat battery; more is no clock.
_MOST_AHEAD_S = 100 * 365 * 86_400.0

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ChannelSettings:
    """Settings of the control channel. Times are in seconds; tests scale them down together."""

    beat_s: float = 5.0
    lost_after_s: float = 15.0
    seen_every_s: float = 10.0
    """How often `last_seen` is stored per worker."""
    steps_every_s: float = 0.5
    """How often completed steps and memory peaks are stored, for all hosts together."""
    temporal_address: str = ""
    """The address where hosts reach Temporal; empty: through the manager's tunnel."""
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
    programs: Mapping[str, Any] = field(default_factory=dict)
    """The programs that it needs, by task type."""
    needs_secret: bool = False
    """Whether the host is to take a new secret."""


class HostRecords(ProgressRecords, Protocol):
    """The reads and writes of the database that hosts need."""

    async def open_session(self, worker_id: str, hello: control.Hello) -> int | None:
        """Return the session that the host has from now on.

        Returns:
            None: the host is to go, because a newer session exists or its worker was deleted.
        """
        ...

    async def hello_answer(self, worker_id: str, hello: control.Hello) -> HelloAnswer: ...

    async def reported_status(self, worker_id: str, session: int, status: WorkerStatus) -> None:
        """Store the reported status; ignore it if it comes from an older session."""
        ...

    async def set_aside(self, worker_id: str, session: int, said: Mapping[str, Any]) -> None:
        """Store why a host is set aside; ignore it if it comes from an older session."""
        ...

    async def upgrade_reported(
        self, worker_id: str, session: int, report: control.UpgradeReport
    ) -> None:
        """Store how far an upgrade is; ignore it if it comes from an older session."""
        ...

    async def examined(self, worker_id: str, report: Mapping[str, Any]) -> None:
        """Store what the doctor on a worker's machine has found."""
        ...

    async def seen(self, worker_ids: Collection[str]) -> datetime:
        """Store that the workers were heard from; return the time that was stored."""
        ...

    async def deleted(self, worker_ids: Collection[str]) -> Collection[str]:
        """Return the ids of those workers that were deleted."""
        ...

    async def new_secret(self, worker_id: str) -> str | None:
        """Return another secret that counts for a worker from now on; None if it needs none."""
        ...

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        """Return the id of a run's task; None if the run is not this worker's."""
        ...


class TaskLog(Protocol):
    async def write_chunk(
        self, job_id: str, task_id: str, attempt: int, offset: int, data: bytes
    ) -> int:
        """Append the bytes that are not yet stored; return the offset at which the log now ends."""
        ...


def _nothing() -> None: ...


def _untold(worker_id: str, statistics: MachineStatistics) -> None: ...


class Hosts:
    """The hosts connected to this manager. `run()` does its housekeeping while the manager runs."""

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
        """Called with the statistics that a host reported; must not block."""
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
        self._clocks: dict[str, float] = {}
        self._progress = ProgressOfRuns(records)
        self._seen: set[str] = set()
        self._last_stored: dict[str, datetime] = {}
        self._deletion = asyncio.Event()
        self._database_log = ChangeLog(logger)

    # --- asked by the keeper, services and routers ------------------------------------------------

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the workers whose channel is open."""
        return frozenset(self._connections)

    def is_present(self, worker_id: str) -> bool:
        """Return whether the manager heard from the host recently.

        Every host counts as present until the manager has been listening for long enough
        (protocol rule 10).
        """
        return not is_lost(
            self._last_heard.get(worker_id),
            self._clock(),
            listening_since=self._listening_since,
            lost_after_s=self._settings.lost_after_s,
        )

    def last_stored(self, worker_id: str) -> datetime | None:
        """Return the `last_seen` that this manager stored last for a worker; None if none."""
        return self._last_stored.get(worker_id)

    def statistics(self, worker_id: str) -> MachineStatistics:
        """Return the statistics that the host last reported; empty ones if it has reported none."""
        return self._statistics.get(worker_id, _NOTHING_SAID)

    @property
    def clocks(self) -> Mapping[str, float]:
        """By how much hosts' clocks are ahead of this machine's, in seconds, by worker id."""
        return self._clocks

    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]:
        """Return the progress of the job's tasks, by task index, as far as hosts reported it."""
        return self._progress.of_job(job_id)

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        """Order a run to be stopped; return False if its host is not connected to this manager."""
        return self._tell(worker_id, control.StopRun(str(key), reason))

    async def settled(self, worker_id: str, key: RunKey) -> None:
        """Tell the host that the end of its run is stored, so that it may forget the run."""
        self._progress.settled(key)
        self._tell(worker_id, control.Settled(str(key)))

    async def forgive(self, worker_id: str) -> None:
        """Tell the host to take tasks again that it did not take because of a fault."""
        self._tell(worker_id, control.Forgive())

    async def new_secret(self, worker_id: str) -> None:
        """Make a secret for a worker whose host is connected, and send it to the host."""
        if worker_id in self._connections and (secret := await self._records.new_secret(worker_id)):
            self._tell(worker_id, control.NewSecret(secret))

    def examine(self, worker_id: str) -> None:
        """Ask a host what the doctor on its machine finds."""
        self._tell(worker_id, control.Examine())

    def upgrade(self, worker_id: str, order: control.Upgrade) -> None:
        """Order a host to install the manager's version, and to go on with it."""
        self._tell(worker_id, order)

    async def order_status(
        self, worker_id: str, status: WorkerStatus, *, is_lazy: bool = False
    ) -> bool:
        """Order a host to sleep, wake, shut down or restart.

        Returns:
            False: the host is not connected to this manager.
        """
        return self._tell(worker_id, control.StatusOrder(str(status), is_lazy))

    def provisioned(self, worker_id: str, provision: Mapping[str, Any]) -> None:
        """Send a host its settings, unless they are the ones that it was sent last."""
        connection = self._connections.get(worker_id)
        if connection is not None and connection.provision != provision:
            connection.provision = provision
            connection.tell(control.Provisioned(provision))

    async def disconnect(self, worker_id: str, reason: str) -> None:
        """Close a host's channel."""
        if connection := self._connections.get(worker_id):
            await connection.close(_GOING_AWAY, reason)

    # --- a host's connection ----------------------------------------------------------------------

    async def serve(self, socket: WebSocket, worker_id: str, worker_of: WorkerOf) -> None:
        """Serve one host, whose credentials were checked, until it disconnects.

        Args:
            worker_of: tells whose credentials the socket carries, as of now.
        """
        connection = HostConnection(
            socket,
            worker_id,
            self,
            worker_of=worker_of,
            send_timeout_s=self._settings.lost_after_s,
            clock=self._clock,
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
        except DatabaseBusy as busy:
            # The host connects again and repeats what was not acknowledged.
            self._database_log.fails("hosts wait for the database", reason=str(busy))
            await connection.close(_BROKEN, "the database is busy; come again")
        except Exception:
            logger.exception("a host's connection broke", extra={"worker": worker_id})
            await connection.close(_BROKEN, "the manager had a problem; come again")
        finally:
            if self._connections.get(worker_id) is connection:
                del self._connections[worker_id]
                self.on_change()

    async def _admit(self, connection: HostConnection) -> bool:
        """Return whether the host may stay; if so, close its older connection to this manager."""
        async with asyncio.timeout(self._settings.lost_after_s):
            connection.greeting = await connection.hello()
        worker_id = connection.worker_id
        session = await retry_while_busy(
            lambda: self._records.open_session(worker_id, connection.greeting), _BUSY_WAIT_S
        )
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
            # If the old line was cut, closing it takes long; the new connection must not wait.
            closing = asyncio.create_task(older.close(code, "the host has connected again"))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)
        self.on_change()
        return True

    async def _welcome(self, connection: HostConnection) -> control.Welcome:
        """Return the welcome for a connection that is registered.

        It is read after the registration, so an order given meanwhile is not lost.
        """
        answer = await self._records.hello_answer(connection.worker_id, connection.greeting)
        connection.provision = answer.provision
        if answer.needs_secret:
            await self.new_secret(connection.worker_id)
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
            programs=answer.programs,
        )

    def _tell(self, worker_id: str, message: control.Message) -> bool:
        connection = self._connections.get(worker_id)
        return connection is not None and connection.tell(message)

    # --- messages of hosts ------------------------------------------------------------------------

    def heard(self, worker_id: str) -> None:
        self._last_heard[worker_id] = self._clock()
        self._seen.add(worker_id)
        if worker_id in self._missing:
            self._missing.discard(worker_id)
            self.on_change()

    def clock_told(self, worker_id: str, clock: float) -> None:
        ahead_s = clock - time.time()
        # An older host does not say its clock. A number that is none fails the comparison.
        if clock and abs(ahead_s) < _MOST_AHEAD_S:
            self._clocks[worker_id] = ahead_s

    async def beat(self, worker_id: str, statistics: MachineStatistics) -> None:
        self._statistics[worker_id] = statistics
        self.history.heard(worker_id, statistics)
        self.on_statistics(worker_id, statistics)

    async def status(self, connection: HostConnection, status: str) -> None:
        if status not in REPORTED_BY_HOSTS:
            raise control.Malformed(f"a host cannot have this status: {status[:50]}")
        await retry_while_busy(
            lambda: self._records.reported_status(
                connection.worker_id, connection.session, WorkerStatus(status)
            ),
            _BUSY_WAIT_S,
        )
        self.on_change()

    async def set_aside(self, connection: HostConnection, said: Mapping[str, Any]) -> None:
        await retry_while_busy(
            lambda: self._records.set_aside(connection.worker_id, connection.session, said),
            _BUSY_WAIT_S,
        )

    async def upgrade_reported(
        self, connection: HostConnection, report: control.UpgradeReport
    ) -> None:
        await retry_while_busy(
            lambda: self._records.upgrade_reported(
                connection.worker_id, connection.session, report
            ),
            _BUSY_WAIT_S,
        )

    async def examined(self, worker_id: str, report: Mapping[str, Any]) -> None:
        await retry_while_busy(lambda: self._records.examined(worker_id, report), _BUSY_WAIT_S)

    async def task_of(self, worker_id: str, key: RunKey) -> str | None:
        return await self._records.task_of(worker_id, key)

    async def progressed(self, worker_id: str, key: RunKey, progress: RunProgress) -> None:
        self._progress.said(worker_id, key, progress)

    async def log(self, task_id: str, key: RunKey, offset: int, data: bytes) -> int:
        return await self._logs.write_chunk(key.job_id, task_id, key.attempt, offset, data)

    # --- housekeeping -----------------------------------------------------------------------------

    async def run(self) -> None:
        """Do the housekeeping until canceled.

        Notice lost hosts, disconnect those of deleted workers, and store `last_seen`, steps and
        memory peaks in batches, because none of these is worth its own transaction.
        """
        async with asyncio.TaskGroup() as duties:
            duties.create_task(self._again(self._until_loss_s, self._miss))
            duties.create_task(self._every(self._settings.seen_every_s, self._store_seen))
            duties.create_task(
                self._every(self._settings.steps_every_s, self._progress.store_steps)
            )
            duties.create_task(
                self._every(self._settings.steps_every_s, self._progress.store_memory)
            )
            duties.create_task(
                self._every(self._settings.steps_every_s, self._progress.store_silences)
            )
            duties.create_task(
                whenever(self._deletion, self._dismiss, tick_s=2 * self._settings.seen_every_s)
            )

    async def _every(self, pause_s: float, duty: Callable[[], Awaitable[None]]) -> None:
        await self._again(lambda: pause_s, duty)

    async def _again(
        self, pause_s: Callable[[], float], duty: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            await asyncio.sleep(pause_s())
            # Whatever fails must not end the housekeeping; the next round tries again.
            try:
                await duty()
            except DatabaseBusy as busy:
                self._database_log.fails("hosts wait for the database", reason=str(busy))
            except Exception:
                logger.exception("housekeeping of hosts failed")

    def look_for_deleted(self) -> None:
        """Disconnect the hosts whose credentials have ended soon. Call it from the event loop."""
        self._deletion.set()

    async def _dismiss(self) -> None:
        """Disconnect the hosts of deleted workers, also of those that another manager deleted.

        Disconnect those, too, whose secret was replaced.
        """
        try:
            deleted = await self._records.deleted(self.connected)
            connections = list(self._connections.items())
            # All at once, because the database answers such questions together.
            are_right = await asyncio.gather(*(each.is_right() for _, each in connections))
            for (worker_id, connection), is_right in zip(connections, are_right, strict=True):
                if worker_id in deleted:
                    await connection.close(control.CLOSE_DISMISSED, _DISMISSED)
                elif not is_right:
                    await connection.close(_GOING_AWAY, "its secret was replaced")
        except Exception:
            logger.exception("housekeeping of hosts failed")

    def _until_loss_s(self) -> float:
        lost_after_s = self._settings.lost_after_s
        loss_s = next_loss_s(
            (at for worker, at in self._last_heard.items() if worker not in self._missing),
            self._clock(),
            listening_since=self._listening_since,
            lost_after_s=lost_after_s,
        )
        # A moment later, because a host is lost when it was silent for longer than that.
        return min(loss_s + _MOMENT_S, lost_after_s / 10)

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
        self._clocks.pop(worker_id, None)
        self._progress.forget(worker_id)

    async def _store_seen(self) -> None:
        seen, self._seen = self._seen, set()
        if seen:
            at = await self._records.seen(seen)
            self._last_stored.update(dict.fromkeys(seen, at))
            self._database_log.forget()
