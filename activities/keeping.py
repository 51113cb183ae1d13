"""The farm keeper's loops: they carry out the decisions of `workflows.domain.keeping`.

A change wakes the keeper for a pass; otherwise there is a pass at every slow tick. Each pass looks
at the whole farm, so if one is cut off, the next one completes its work. The audit runs beside the
passes: it asks every job's workflow how far it is, and must not delay matchmaking. So do the
starts of workflows, because one that Temporal does not answer must not hold up other jobs.
"""

import asyncio
import contextlib
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError, ApplicationErrorCategory

from activities.connections.retrying import ChangeLog
from activities.heartbeats import heartbeats
from activities.keeper_memory import Wakeup
from workflows.activity_contracts import Keeping
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.keeping import (
    Keeper,
    KeeperTimes,
    Message,
    OpenRun,
    Pass,
    StartQueue,
    StoredRun,
    Verdict,
    audited,
    is_astray,
)
from workflows.domain.matchmaking import Offer, Reasons, RecallOrder
from workflows.domain.messages import Lease
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)

#: The pause between two checks whether an audit is due: its time may move forward.
_AUDIT_LOOK_S = 1.0
#: The most workflows that are started at the same time, and the most jobs that are told something.
AT_ONCE = 4
_TIMES = KeeperTimes()


class Superseded(Exception):
    """A newer keeper has begun an epoch, so this one stops."""


class WorkflowMissing(Exception):
    """The job has no open workflow that could get the message."""


class TemporalAway(Exception):
    """Temporal does not answer; a later pass sends the messages."""


class KeeperStore(Protocol):
    """The database, as far as the keeper needs it. Writes of an older epoch raise `Superseded`."""

    async def next_epoch(self) -> int: ...
    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot: ...
    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]: ...
    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        """Return the leases that were offered before that time and are not held yet."""
        ...

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None: ...
    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None: ...
    async def mark_lost(self, epoch: int, worker_id: str) -> bool: ...
    async def write_reasons(self, epoch: int, reasons: Reasons) -> bool:
        """Store the reasons of the whole farm; return False if a part is left for the next time."""
        ...

    async def outbox(self, most: int | None = None) -> list[tuple[str, int]]:
        """Return (job id, run number) of the workflows to start, or of the `most` oldest ones."""
        ...

    async def started(self, job_id: str, run: int) -> None: ...
    async def start_anew(self, job_id: str, run: int) -> bool:
        """Give a job whose workflow is gone a new run, from its state in the database.

        Return False, and change nothing, if `run` has ended or another run owns the job.
        """
        ...

    async def unfinished_runs(self) -> list[StoredRun]:
        """Return the runs that have started and not ended: each should have a workflow."""
        ...

    async def stored_runs(self, job_ids: Collection[str]) -> Mapping[str, StoredRun]:
        """Return the runs by job, without jobs that do not exist."""
        ...


@dataclass(frozen=True, slots=True)
class OpenWorkflow:
    """A job's open workflow, found in Temporal's list of open workflows."""

    id: str
    execution_id: str
    job_id: str
    """Empty if the workflow's id is not made from a job's id."""
    run: int
    """0 if the workflow does not state its run number. No run has this number."""


class JobMessages(Protocol):
    """Temporal, as far as the keeper needs it."""

    async def start_job(self, job_id: str, run: int) -> bool:
        """Start the run's workflow unless it is open; return False if the start must wait."""
        ...

    async def open_run(self, stored: StoredRun) -> OpenRun | None:
        """Return how far the job's open workflow is; None if there is none.

        A workflow of another run than the stored one is not asked for its sequence.
        """
        ...

    async def tell(self, message: Message) -> None:
        """Send a message to a job's workflow.

        Raises:
            WorkflowMissing: the job has no open workflow.
        """
        ...

    def open_workflows(self) -> AsyncIterator[OpenWorkflow]:
        """Yield the open workflows of all jobs.

        Workflows that began or ended in the last seconds may be missing or out of date.
        """
        ...

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None:
        """End this execution, if it is still open, and no other one of its job."""
        ...


class KeeperDuty(Protocol):
    """Work for one manager of the farm at a time; it never delays matchmaking."""

    async def run(self, epoch: int) -> None:
        """Work until canceled.

        Raises:
            Superseded: `epoch` is over, so a write was refused.
        """
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
                    raise  # Temporal then lets another manager take over.
                logger.info("another keeper takes over the farm")
                # Temporal has forgotten this activity, and expects no answer.
                activity.raise_complete_async()

    async def _keep_for_one_epoch(self) -> None:
        number = await self._store.next_epoch()
        shutdown = asyncio.create_task(activity.wait_for_worker_shutdown())
        epoch = Epoch(number, self._store, self._jobs, self._hosts, self._wakeup, self._times)
        own = (epoch.run(), epoch.run_starts(), epoch.run_audits())
        loops = (*own, *(duty.run(number) for duty in self._duties))
        running = [asyncio.create_task(loop) for loop in loops]
        try:
            done, _ = await asyncio.wait({shutdown, *running}, return_when=asyncio.FIRST_COMPLETED)
            if shutdown in done:
                # At once: another manager takes over, and this one ends sooner.
                raise ApplicationError("its manager ends", category=ApplicationErrorCategory.BENIGN)
            for asyncio_task in done:
                asyncio_task.result()  # raises: loops end only by an exception, as Superseded
        finally:
            for asyncio_task in (shutdown, *running):
                asyncio_task.cancel()
            await asyncio.gather(shutdown, *running, return_exceptions=True)


def _is_shutdown(details: activity.ActivityCancellationDetails | None) -> bool:
    return details is None or details.worker_shutdown


class Epoch:
    """The time of one keeper, until the next keeper begins its epoch.

    Args:
        number: the epoch's number, from the database.
        clock: in seconds, of any origin.
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
        self._starts = StartQueue(AT_ONCE, times.start_again_s)
        self._look_for_starts = asyncio.Event()
        self._log = ChangeLog(logger)

    # --- passes ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Make one pass after the other, until canceled."""
        while True:
            self._look_for_starts.set()
            try:
                await self.make_pass()
            except TemporalAway as away:
                self._log.fails("Temporal is away", reason=str(away))
            await asyncio.sleep(self._times.pause_s)
            is_short = self._wakeup.has_resting
            await self._wakeup.wait(self._times.cooldown_s if is_short else self._times.tick_s)

    async def make_pass(self) -> None:
        """Make one pass over the farm.

        Raises:
            TemporalAway: Temporal does not answer; a later pass does the rest.
            Superseded: another keeper has begun its epoch.
        """
        farm = await self._store.snapshot(self._hosts.is_present)
        resting = self._wakeup.resting(self._times.cooldown_s)
        planned = self._keeper.look(replace(farm, resting=resting), self._clock())
        lent = await self._write(planned)
        for order in planned.status_orders:
            await self._hosts.order_status(order.worker_id, order.status)
        await self._tell_all([*lent, *planned.messages])
        if planned.reasons is not None:
            is_all = await self._store.write_reasons(self._number, planned.reasons)
            if not is_all:
                self._keeper.explain_again()

    async def _write(self, planned: Pass) -> list[Message]:
        """Write a pass to the database; return the messages about leases.

        Leases and recalls are in the database before jobs are told of them.
        """
        for worker_id in planned.lost:
            await self._store.mark_lost(self._number, worker_id)
            # If the host was only slow, it connects again and gets a new session.
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

    async def _tell_all(self, messages: Sequence[Message]) -> None:
        """Send the messages: to one job in their order, to different jobs side by side."""
        by_job: defaultdict[str, list[Message]] = defaultdict(list)
        for message in messages:
            by_job[message.job_id].append(message)
        turn = asyncio.Semaphore(AT_ONCE)
        away: list[TemporalAway] = []

        async def tell_job(of_job: Sequence[Message]) -> None:
            async with turn:
                try:
                    for message in of_job:
                        await self._tell(message)
                except TemporalAway as problem:
                    away.append(problem)

        async with asyncio.TaskGroup() as telling:
            for of_job in by_job.values():
                telling.create_task(tell_job(of_job))
        if away:
            raise away[0]

    async def _tell(self, message: Message) -> None:
        try:
            await self._jobs.tell(message)
            self._log.forget()
        except WorkflowMissing:
            self._keeper.workflow_was_missing(self._clock())
            logger.info("its workflow is not open", extra={"job": message.job_id})

    # --- starts ----------------------------------------------------------------------------------

    async def run_starts(self) -> None:
        """Start the workflows of the outbox, until canceled."""
        async with asyncio.TaskGroup() as starting:
            while True:
                self._look_for_starts.clear()
                await self.start_jobs(starting)
                is_short = self._starts.has_failed
                wait_s = self._times.start_again_s if is_short else self._times.tick_s
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait_s):
                        await self._look_for_starts.wait()

    async def start_jobs(self, starting: asyncio.TaskGroup) -> None:
        """Begin to start the workflows that are due, each as a task of the group."""
        outbox = await self._store.outbox(self._starts.looks_at)
        for job_id, run in self._starts.begin(outbox, self._clock()):
            starting.create_task(self._start(job_id, run))

    async def _start(self, job_id: str, run: int) -> None:
        is_started = False
        try:
            if is_started := await self._jobs.start_job(job_id, run):
                await self._store.started(job_id, run)
                self._log.forget()
        except TemporalAway as away:
            self._log.fails("Temporal starts no workflow", reason=str(away))
        finally:
            self._starts.ended(job_id, self._clock(), is_started=is_started)
            self._look_for_starts.set()

    # --- audit -----------------------------------------------------------------------------------

    async def run_audits(self) -> None:
        """Make an audit whenever it is due, until canceled."""
        while True:
            try:
                await self.audit_if_due()
            except TemporalAway as away:
                self._log.fails("Temporal is away, the audit is broken off", reason=str(away))
            await asyncio.sleep(_AUDIT_LOOK_S)

    async def audit_if_due(self) -> None:
        """Compare the database with the open workflows, in both directions.

        Raises:
            TemporalAway: Temporal does not answer; the next audit does the rest.
        """
        if self._keeper.audit_due_in(self._clock()) > 0:
            return
        self._keeper.audit_begins(self._clock())
        # Read the database first: then a healthy workflow is at the stored sequence or further.
        for stored in await self._store.unfinished_runs():
            await self._audit(stored)
        await self._end_astray()

    async def _audit(self, stored: StoredRun) -> None:
        match audited(stored, await self._jobs.open_run(stored)):
            case Verdict.START_ANEW:
                # Most often the run has ended since the database was read.
                if await self._store.start_anew(stored.job_id, stored.run):
                    logger.warning(
                        "the job had no matching workflow, and gets a new run",
                        extra={"job": stored.job_id},
                    )
                    self._wakeup.wake()
            case Verdict.TELL_AGAIN:
                await self._tell(Message(stored.job_id, "tell_again"))
            case Verdict.GOES_ON:
                pass

    async def _end_astray(self) -> None:
        """End workflows whose run the database does not know, or does not know any more."""
        found = [workflow async for workflow in self._jobs.open_workflows()]
        known = await self._store.stored_runs({workflow.job_id for workflow in found})
        for workflow in found:
            stored = known.get(workflow.job_id)
            open_run: OpenRun | None = OpenRun(workflow.run, None)
            if stored is not None and stored.is_ended and stored.run == workflow.run:
                open_run = await self._jobs.open_run(stored)
            if open_run is not None and is_astray(open_run, stored):
                logger.warning(
                    "ending a workflow whose run does not own its job",
                    extra={"workflow": workflow.id, "run": workflow.run},
                )
                await self._jobs.end_workflow(workflow, "its run does not own the job")
