"""The hosts of the whole farm: those that are connected to this manager, and all others.

Several managers can share a PostgreSQL database, and each host is connected to one of them. An
order for a host that is connected to another manager is stored as an event, which all managers
read; the one with the connection carries it out. An order that is lost is harmless, because a
host's next hello repeats everything (docs/protocol.md).
"""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from manager_api.database import events
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.database.loops import until_one_ends, whenever
from manager_api.database.payloads import HOST_ORDERS
from manager_api.events.live import LiveEvents
from manager_api.hosts.channel import ChannelSettings, Hosts
from manager_api.hosts.elsewhere import HeardElsewhere
from manager_api.workers import store as workers
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)

Order = dict[str, Any]
UpgradeOrder = Callable[[], Awaitable[control.Upgrade]]


class FarmHosts:
    """Answers for all hosts of the farm and passes orders on to the manager that has them.

    With SQLite there is one manager only, so a host that is not connected to it gets no orders.

    Args:
        upgrade_order: returns the order to install the version of this manager.
    """

    def __init__(
        self,
        hosts: Hosts,
        database: Database,
        live: LiveEvents,
        settings: ChannelSettings,
        upgrade_order: UpgradeOrder,
    ) -> None:
        self._hosts = hosts
        self._upgrade_order = upgrade_order
        self._database = database
        self._is_shared = not database.is_sqlite
        self._look_every_s = settings.lost_after_s / 5
        silent_s = settings.lost_after_s + settings.seen_every_s + self._look_every_s
        self._elsewhere = HeardElsewhere(silent_s, self._look_every_s)
        self._outgoing: list[Order] = []
        self._incoming: deque[Order] = deque()
        self._has_orders = asyncio.Event()
        live.react(self._received)

    @property
    def connected(self) -> frozenset[str]:
        """Ids of the workers whose channel to this manager is open."""
        return self._hosts.connected

    def is_present(self, worker_id: str) -> bool:
        """Return whether some manager heard from the host recently."""
        if self._hosts.is_present(worker_id):
            return True
        return self._is_shared and self._elsewhere.is_present(worker_id)

    def knows(self, worker_id: str) -> bool:
        """Return whether the host is connected to this manager, or was heard by another one."""
        return worker_id in self.connected or self._elsewhere.knows(worker_id)

    def is_connected(self, worker_id: str) -> bool:
        """Return whether the host is connected to this manager, or seems to be to another one."""
        if worker_id in self.connected:
            return True
        return self._elsewhere.knows(worker_id) and self._elsewhere.is_present(worker_id)

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        """Order a run to be stopped; return False if its host is not connected to this manager."""
        if await self._hosts.stop_run(worker_id, key, reason):
            return True
        self._pass_on({"order": "stop", "worker": worker_id, "run": str(key), "reason": reason})
        return False

    async def settled(self, worker_id: str, key: RunKey) -> None:
        """Tell the host that the end of its run is stored, so that it may forget the run."""
        await self._hosts.settled(worker_id, key)
        # This order is not repeated, and this manager may not have noticed the other's host yet.
        order = {"order": "settled", "worker": worker_id, "run": str(key)}
        if self._is_shared and worker_id not in self.connected:
            self._store(order)

    async def order_status(self, worker_id: str, status: WorkerStatus) -> bool:
        """Order a host to take a status; return False if it is not connected to this manager."""
        if await self._order_or_back(worker_id, status):
            return True
        self._pass_on({"order": "status", "worker": worker_id, "status": str(status)})
        return False

    async def disconnect(self, worker_id: str, reason: str) -> None:
        """Close a host's channel, so that it connects again."""
        await self._hosts.disconnect(worker_id, reason)
        self._pass_on({"order": "disconnect", "worker": worker_id, "reason": reason})

    async def run(self) -> None:
        """Exchange orders with the other managers and watch their hosts, until canceled."""
        await until_one_ends(whenever(self._has_orders, self._exchange), self._look())

    # --- orders -----------------------------------------------------------------------------------

    async def _order_or_back(self, worker_id: str, status: WorkerStatus) -> bool:
        if not await self._hosts.order_status(worker_id, status):
            return False
        # Who gave this order may have read the request before a person took it back, and the host
        # may have been told of that before this order.
        async with self._database.reading() as session:
            kept = await workers.kept_status(session, worker_id)
        if kept not in (None, status):
            await self._hosts.order_status(worker_id, kept)
        return True

    def _pass_on(self, order: Order) -> None:
        worker_id = order["worker"]
        if worker_id not in self.connected and self.knows(worker_id):
            self._store(order)

    def _store(self, order: Order) -> None:
        # The keeper repeats most orders until they have been carried out.
        if order not in self._outgoing:
            self._outgoing.append(order)
            self._has_orders.set()

    def _received(self, topic: str, payload: Mapping[str, Any]) -> None:
        if topic == HOST_ORDERS and payload.get("worker") in self.connected:
            self._incoming.append(dict(payload))
            self._has_orders.set()

    async def _exchange(self) -> None:
        while self._incoming:
            await self._carry_out(self._incoming.popleft())
        if self._outgoing:
            passed_on = list(self._outgoing)
            async with self._database.writing() as session:
                for order in passed_on:
                    events.append(session, HOST_ORDERS, order)
            del self._outgoing[: len(passed_on)]

    async def _carry_out(self, order: Order) -> None:
        try:
            await self._tell_host(order)
        except Exception:
            # One order that fails must not stop the others.
            logger.exception("an order of another manager failed")

    async def _tell_host(self, order: Order) -> None:
        match order:
            case {"run": run}:
                await self._tell_host_of_run(order, RunKey.parse(run))
            case {"order": "status", "worker": worker_id, "status": status}:
                await self._order_or_back(worker_id, WorkerStatus(status))
            case {"order": "forgive", "worker": worker_id}:
                await self._hosts.forgive(worker_id)
            case {"order": "new secret", "worker": worker_id}:
                await self._hosts.new_secret(worker_id)
            case {"order": "examine", "worker": worker_id}:
                self._hosts.examine(worker_id)
            case {"order": "upgrade", "worker": worker_id}:
                # A host fetches the wheel from the manager that it is connected to.
                self._hosts.upgrade(worker_id, await self._upgrade_order())
            case {"order": "disconnect", "worker": worker_id, "reason": reason}:
                await self._hosts.disconnect(worker_id, reason)

    async def _tell_host_of_run(self, order: Order, key: RunKey) -> None:
        match order:
            case {"order": "stop", "worker": worker_id, "reason": reason}:
                await self._hosts.stop_run(worker_id, key, reason)
            case {"order": "settled", "worker": worker_id}:
                await self._hosts.settled(worker_id, key)

    # --- presence ---------------------------------------------------------------------------------

    async def _look(self) -> None:
        while self._is_shared:
            # A database that is away is no host's silence: the next look tries again.
            with contextlib.suppress(DatabaseBusy):
                self._elsewhere.looked(await self._seen_by_others())
            await asyncio.sleep(self._look_every_s)
        await asyncio.Event().wait()

    async def _seen_by_others(self) -> dict[str, datetime]:
        async with self._database.reading() as session:
            stored = await workers.hosts_last_seen(session)
        return {
            worker_id: at
            for worker_id, at in stored.items()
            if at != self._hosts.last_stored(worker_id)
        }
