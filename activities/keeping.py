"""The farm keeper's loop: matchmaking, and whatever must not be forgotten.

It is woken when something changed; a slow tick is the safety net. Each pass looks at the whole
farm and plans what is to be done, so that a pass that was cut off anywhere is made good by the
next. What it has told is told again after a while, until the database shows that it has arrived.
"""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any, Protocol

from temporalio import activity

from activities.heartbeats import heartbeats
from activities.keeper_memory import Told, Wakeup
from workflows.activity_contracts import Keeping
from workflows.domain.matchmaking import FarmSnapshot, Offer, Plan, RecallOrder, plan
from workflows.domain.messages import Lease, Recall
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)


class Superseded(Exception):
    """A newer keeper has begun an epoch: this one stops."""


class WorkflowMissing(Exception):
    """The job has no open workflow to tell this to."""


class TemporalAway(Exception):
    """Temporal does not answer; what was to be told is told by a later pass."""


class KeeperStore(Protocol):
    """The database, as the keeper sees it. Writes of an older epoch raise `Superseded`."""

    async def next_epoch(self) -> int: ...
    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot: ...
    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]: ...
    async def open_leases(self, offered_before: datetime) -> list[Lease]:
        """Offered leases that were not confirmed."""
        ...

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None: ...
    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None: ...
    async def mark_lost(self, epoch: int, worker_id: str) -> bool: ...
    async def outbox(self) -> list[tuple[str, int]]: ...
    async def started(self, job_id: str, run: int) -> None: ...
    async def start_anew(self, job_id: str, run: int) -> None:
        """Gives a job whose workflow is gone a new run, from what the database has."""
        ...


class JobMessages(Protocol):
    """Temporal, as the keeper sees it."""

    async def start_job(self, job_id: str, run: int) -> bool:
        """Starts the run's workflow unless it is there; false when that must wait."""
        ...

    async def open_run(self, job_id: str) -> int | None:
        """The run number of the job's open workflow; None if there is none."""
        ...

    async def tell(self, job_id: str, signal: str, content: Any) -> None:
        """Raises `WorkflowMissing`."""
        ...


class KeeperDuty(Protocol):
    """Something that one manager of the farm does, beside the matchmaking and never in its way."""

    async def run(self, epoch: int) -> None:
        """Until canceled. What it writes is refused once `epoch` is over: `Superseded`."""
        ...


class OrderedHosts(Protocol):
    def is_present(self, worker_id: str) -> bool: ...
    async def order_status(self, worker_id: str, status: WorkerStatus) -> bool: ...
    async def disconnect(self, worker_id: str, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class KeeperTimes:
    """Seconds."""

    tick_s: float = 5.0
    resend_s: float = 5.0
    cooldown_s: float = 2.0
    """Before a worker that did not take its task is lent again."""
    audit_s: float = 60.0
    """Between two looks whether every unfinished job has its workflow."""
    pause_s: float = 0.01
    """Between two passes, so that what happens together is planned together."""


class FarmKeeper(Keeping):
    def __init__(
        self,
        store: KeeperStore,
        jobs: JobMessages,
        hosts: OrderedHosts,
        wakeup: Wakeup,
        times: KeeperTimes = KeeperTimes(),
        *,
        heartbeat_every_s: float = 2.0,
        duties: Sequence[KeeperDuty] = (),
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._hosts = hosts
        self._wakeup = wakeup
        self._times = times
        self._heartbeat_every_s = heartbeat_every_s
        self._duties = duties

    @activity.defn(name="keep_farm")
    async def keep_farm(self) -> None:
        async with heartbeats(lambda: None, self._heartbeat_every_s):
            try:
                await self._reign()
            except Superseded:
                logger.info("another keeper has taken over the farm")
            except asyncio.CancelledError:
                if _is_shutdown(activity.cancellation_details()):
                    raise  # Temporal hears of it, and another manager takes over.
                logger.info("another keeper takes over the farm")
                # Temporal does not know this activity any more: there is nobody to answer.
                activity.raise_complete_async()

    async def _reign(self) -> None:
        epoch = await self._store.next_epoch()
        reign = _Reign(self._store, self._jobs, self._hosts, self._wakeup, self._times, epoch)
        running = [
            asyncio.create_task(work)
            for work in (reign.run(), *(duty.run(epoch) for duty in self._duties))
        ]
        try:
            done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for asyncio_task in done:
                asyncio_task.result()  # none of them ends by itself, but superseded
        finally:
            for asyncio_task in running:
                asyncio_task.cancel()
            await asyncio.gather(*running, return_exceptions=True)


def _is_shutdown(details: activity.ActivityCancellationDetails | None) -> bool:
    return details is None or details.worker_shutdown


class _Reign:
    """One keeper's epoch."""

    def __init__(
        self,
        store: KeeperStore,
        jobs: JobMessages,
        hosts: OrderedHosts,
        wakeup: Wakeup,
        times: KeeperTimes,
        epoch: int,
    ) -> None:
        self._store = store
        self._jobs = jobs
        self._hosts = hosts
        self._wakeup = wakeup
        self._times = times
        self._epoch = epoch
        self._told = Told(times.resend_s)
        self._audited = float("-inf")

    async def run(self) -> None:
        while True:
            try:
                await self._pass()
            except TemporalAway as away:
                logger.warning("Temporal is away: %s", away)
            await asyncio.sleep(self._times.pause_s)
            cooling = self._wakeup.has_cooling
            await self._wakeup.wait(self._times.cooldown_s if cooling else self._times.tick_s)

    async def _pass(self) -> None:
        await self._start_jobs()
        farm = await self._store.snapshot(self._hosts.is_present)
        planned = plan(replace(farm, resting=self._resting(farm)))
        for worker_id in planned.lost:
            await self._store.mark_lost(self._epoch, worker_id)
            # Should it only have been slow, it comes again, and gets a new session.
            await self._hosts.disconnect(worker_id, "not heard of for too long")
            self._wakeup.wake()
        if planned.orphaned:
            await self._store.mark_returned(self._epoch, planned.orphaned)
            self._wakeup.wake()
        await self._tell(planned)
        await self._order(planned)
        await self._audit(farm)
        self._told.forget_old()

    def _resting(self, farm: FarmSnapshot) -> frozenset[str]:
        cooldown_s = self._times.cooldown_s
        ids = (worker.id for worker in farm.workers)
        return frozenset(i for i in ids if self._wakeup.is_cooling(i, cooldown_s))

    # --- jobs ------------------------------------------------------------------------------------

    async def _start_jobs(self) -> None:
        for job_id, run in await self._store.outbox():
            if await self._jobs.start_job(job_id, run):
                await self._store.started(job_id, run)

    async def _audit(self, farm: FarmSnapshot) -> None:
        """A job without a workflow would wait for ever: say, after a restored backup."""
        if monotonic() - self._audited < self._times.audit_s:
            return
        self._audited = monotonic()
        waiting = {job_id for job_id, _ in await self._store.outbox()}
        for job in farm.jobs:
            if job.id not in waiting and await self._jobs.open_run(job.id) != job.run:
                await self._anew(job.id, job.run)

    async def _anew(self, job_id: str, run: int) -> None:
        logger.warning("job has no workflow of its run; starting it anew", extra={"job": job_id})
        await self._store.start_anew(job_id, run)
        self._wakeup.wake()

    # --- messages --------------------------------------------------------------------------------

    async def _tell(self, planned: Plan) -> None:
        for job_id, signal, content in await self._messages(planned):
            try:
                await self._jobs.tell(job_id, signal, content)
            except WorkflowMissing:
                # It may just be ending; the audit finds out whether it has.
                self._audited = min(self._audited, monotonic() - self._times.audit_s + 2.0)
                logger.info("its workflow is not open", extra={"job": job_id})

    async def _messages(self, planned: Plan) -> list[tuple[str, str, Any]]:
        """(job, signal, content); leases and recalls are in the database before they are told."""
        lent = _by_job(await self._due_leases(planned), lambda lease: lease.job_id)
        recalled = _by_job(await self._due_recalls(planned), lambda order: order.job_id)
        due = self._told.is_due
        return [
            *((job_id, "lend", leases) for job_id, leases in lent),
            *(
                (job_id, "recall", [Recall(o.lease_id, o.at_once, o.reason) for o in orders])
                for job_id, orders in recalled
            ),
            *((job, "worker_gone", gone) for job, gone in planned.gone if due("gone", job, gone)),
            *(
                (job, "session_changed", new)
                for job, new in planned.changed_sessions
                if due("session", job, new)
            ),
            *((job, "census", answer) for job, answer in planned.censuses if due(job, answer)),
        ]

    async def _due_leases(self, planned: Plan) -> list[Lease]:
        offered: list[Lease] = []
        if planned.offers:
            offered = await self._store.write_offers(self._epoch, planned.offers)
        before = datetime.now(UTC) - timedelta(seconds=self._times.resend_s)
        late = await self._store.open_leases(before)
        return offered + [lease for lease in late if self._told.is_due("lend", lease.id)]

    async def _due_recalls(self, planned: Plan) -> list[RecallOrder]:
        orders = [o for o in planned.recalls if self._told.is_due("recall", o.lease_id, o.at_once)]
        if orders:
            await self._store.mark_recalled(self._epoch, orders)
        return orders

    async def _order(self, planned: Plan) -> None:
        for order in planned.status_orders:
            if self._told.is_due("status", order):
                await self._hosts.order_status(order.worker_id, order.status)


def _by_job(items: Iterable[Any], job_of: Callable[[Any], str]) -> list[tuple[str, list[Any]]]:
    groups: defaultdict[str, list[Any]] = defaultdict(list)
    for item in items:
        groups[job_of(item)].append(item)
    return list(groups.items())
