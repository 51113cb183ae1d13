"""The farm keeper's loops: they carry out what `workflows.domain.keeping` decides.

The passes are woken when something changed; a slow tick is the safety net. Each pass looks at the
whole farm, so that a pass that was cut off anywhere is made good by the next. Beside them runs the
audit, which asks every job's workflow how far it is and so must not hold up matchmaking.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

from temporalio import activity

from activities.heartbeats import heartbeats
from activities.keeper_memory import Wakeup
from workflows.activity_contracts import Keeping
from workflows.domain.keeping import (
    Keeper,
    KeeperTimes,
    Message,
    OpenRun,
    Pass,
    StoredRun,
    Verdict,
    audited,
    is_astray,
)
from workflows.domain.matchmaking import FarmSnapshot, Offer, RecallOrder
from workflows.domain.messages import Lease
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)

#: Longest pause between two looks whether an audit is due: it may have become due earlier.
_AUDIT_LOOK_S = 1.0
_TIMES = KeeperTimes()


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
    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        """Leases that were offered so long ago and are not held."""
        ...

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None: ...
    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None: ...
    async def mark_lost(self, epoch: int, worker_id: str) -> bool: ...
    async def outbox(self) -> list[tuple[str, int]]: ...
    async def started(self, job_id: str, run: int) -> None: ...
    async def start_anew(self, job_id: str, run: int) -> None:
        """Gives a job whose workflow is gone a new run, from what the database has."""
        ...

    async def unfinished_runs(self) -> list[StoredRun]:
        """Runs that have not ended and wait for no start: each should have its workflow."""
        ...

    async def stored_runs(self, job_ids: Collection[str]) -> Mapping[str, StoredRun]:
        """By job; left out are jobs that do not exist."""
        ...


@dataclass(frozen=True, slots=True)
class OpenWorkflow:
    """An open workflow of a job, found without knowing the job."""

    job_id: str
    run: int
    execution_id: str


class JobMessages(Protocol):
    """Temporal, as the keeper sees it."""

    async def start_job(self, job_id: str, run: int) -> bool:
        """Starts the run's workflow unless it is there; false when that must wait."""
        ...

    async def open_run(self, stored: StoredRun) -> OpenRun | None:
        """How far the job's open workflow is; None if there is none.

        A workflow of another run than the stored one is not asked for its sequence.
        """
        ...

    async def tell(self, message: Message) -> None:
        """Raises `WorkflowMissing`."""
        ...

    def open_workflows(self) -> AsyncIterator[OpenWorkflow]:
        """Of all jobs; what began or ended in the last seconds may be missing or stale."""
        ...

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None:
        """Ends this execution, if it is still open, and no other one of its job."""
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


class FarmKeeper(Keeping):
    def __init__(
        self,
        store: KeeperStore,
        jobs: JobMessages,
        hosts: OrderedHosts,
        wakeup: Wakeup,
        times: KeeperTimes = _TIMES,
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
                await self._keep_for_one_epoch()
            except Superseded:
                logger.info("another keeper has taken over the farm")
            except asyncio.CancelledError:
                if _is_shutdown(activity.cancellation_details()):
                    raise  # Temporal hears of it, and another manager takes over.
                logger.info("another keeper takes over the farm")
                # Temporal has forgotten this activity: no answer is wanted.
                activity.raise_complete_async()

    async def _keep_for_one_epoch(self) -> None:
        number = await self._store.next_epoch()
        epoch = Epoch(number, self._store, self._jobs, self._hosts, self._wakeup, self._times)
        loops = (epoch.run(), epoch.run_audits(), *(duty.run(number) for duty in self._duties))
        running = [asyncio.create_task(loop) for loop in loops]
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


class Epoch:
    """The time of one keeper, until the next one begins its own.

    Args:
        number: given by the database.
        clock: in the unit of `times`.
    """

    def __init__(
        self,
        number: int,
        store: KeeperStore,
        jobs: JobMessages,
        hosts: OrderedHosts,
        wakeup: Wakeup,
        times: KeeperTimes,
        *,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._number = number
        self._store = store
        self._jobs = jobs
        self._hosts = hosts
        self._wakeup = wakeup
        self._times = times
        self._clock = clock
        self._keeper = Keeper(times)

    # --- passes ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """One pass after the other, until canceled."""
        while True:
            try:
                await self.make_pass()
            except TemporalAway as away:
                logger.warning("Temporal is away: %s", away)
            await asyncio.sleep(self._times.pause_s)
            is_short = self._wakeup.has_resting
            await self._wakeup.wait(self._times.cooldown_s if is_short else self._times.tick_s)

    async def make_pass(self) -> None:
        """
        Raises:
            TemporalAway: the rest of the pass is made good by a later one.
            Superseded: another keeper has begun.
        """
        await self._start_jobs()
        farm = await self._store.snapshot(self._hosts.is_present)
        resting = self._wakeup.resting(self._times.cooldown_s)
        planned = self._keeper.look(replace(farm, resting=resting), self._clock())
        lent = await self._write(planned)
        for order in planned.status_orders:
            await self._hosts.order_status(order.worker_id, order.status)
        for message in [*lent, *planned.messages]:
            await self._tell(message)

    async def _start_jobs(self) -> None:
        for job_id, run in await self._store.outbox():
            if await self._jobs.start_job(job_id, run):
                await self._store.started(job_id, run)

    async def _write(self, planned: Pass) -> list[Message]:
        """Leases and recalls are in the database before jobs are told of them."""
        for worker_id in planned.lost:
            await self._store.mark_lost(self._number, worker_id)
            # Should it only have been slow, it comes again, and gets a new session.
            await self._hosts.disconnect(worker_id, "not heard of for too long")
        if planned.orphaned:
            await self._store.mark_returned(self._number, planned.orphaned)
        if planned.lost or planned.orphaned:
            self._wakeup.wake()
        offered: list[Lease] = []
        if planned.offers:
            offered = await self._store.write_offers(self._number, planned.offers)
        unconfirmed = await self._store.unconfirmed_leases(self._times.resend_s)
        if planned.recalls:
            await self._store.mark_recalled(self._number, planned.recalls)
        return self._keeper.lend(offered, unconfirmed, self._clock())

    async def _tell(self, message: Message) -> None:
        try:
            await self._jobs.tell(message)
        except WorkflowMissing:
            self._keeper.workflow_was_missing(self._clock())
            logger.info("its workflow is not open", extra={"job": message.job_id})

    # --- audit -----------------------------------------------------------------------------------

    async def run_audits(self) -> None:
        """One audit whenever it is due, until canceled."""
        while True:
            try:
                await self.audit_if_due()
            except TemporalAway as away:
                logger.warning("Temporal is away, the audit is broken off: %s", away)
            await asyncio.sleep(_AUDIT_LOOK_S)

    async def audit_if_due(self) -> None:
        """Compares the database with the open workflows, in both directions.

        Raises:
            TemporalAway: the next audit looks at the rest.
        """
        if self._keeper.audit_due_in(self._clock()) > 0:
            return
        self._keeper.audit_begins(self._clock())
        # The database first: a healthy workflow is at the stored sequence or further.
        for stored in await self._store.unfinished_runs():
            await self._audit(stored)
        await self._end_astray()

    async def _audit(self, stored: StoredRun) -> None:
        match audited(stored, await self._jobs.open_run(stored)):
            case Verdict.START_ANEW:
                logger.warning(
                    "job has no workflow that fits; starting it anew", extra={"job": stored.job_id}
                )
                await self._store.start_anew(stored.job_id, stored.run)
                self._wakeup.wake()
            case Verdict.TELL_AGAIN:
                await self._tell(Message(stored.job_id, "tell_again"))
            case Verdict.GOES_ON:
                pass

    async def _end_astray(self) -> None:
        """Workflows of which the database knows nothing, or nothing any more."""
        found = [workflow async for workflow in self._jobs.open_workflows()]
        known = await self._store.stored_runs({workflow.job_id for workflow in found})
        for workflow in found:
            stored = known.get(workflow.job_id)
            open_run: OpenRun | None = OpenRun(workflow.run, None)
            if stored is not None and stored.is_ended and stored.run == workflow.run:
                open_run = await self._jobs.open_run(stored)
            if open_run is not None and is_astray(open_run, stored):
                logger.warning("ending a workflow gone astray", extra={"job": workflow.job_id})
                await self._jobs.end_workflow(workflow, "its run does not own the job")
