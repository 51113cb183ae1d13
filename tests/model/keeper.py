"""The product's keeper in the model's farm: its process may be killed before any of its steps."""

import asyncio
import atexit
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any

from activities.keeper_memory import Wakeup
from activities.keeper_watch import KeeperWatch
from activities.keeping import Epoch, OpenWorkflow, TemporalAway
from tests.model.database import Database, JobRecord
from tests.model.reasons import lies
from tests.model.temporal import Execution, Temporal
from tests.model.times import AUDIT, COOLDOWN, KEEPER_LOOK, RESEND, STARVED, WAIT_OVER
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.keeping import KeeperTimes, Message, OpenRun, StoredRun
from workflows.domain.matchmaking import Offer, Reasons, RecallOrder
from workflows.domain.messages import Lease
from workflows.domain.statuses import WorkerStatus

TIMES = KeeperTimes(
    resend_s=RESEND,
    cooldown_s=COOLDOWN,
    audit_s=AUDIT,
    early_audit_s=1,
    start_again_s=1,
    starved_after_s=STARVED,
    wait_over_s=WAIT_OVER,
    # Each pass says why tasks wait, and each time it is compared with what the pass did.
    explain_s=0,
    explain_again_s=0,
)
#: One for all histories, because a loop is expensive to make.
_LOOP = asyncio.new_event_loop()
atexit.register(_LOOP.close)


class Died(Exception):
    """The keeper's process was killed before this step."""


class Keeper:
    """`dies_after` steps, its process is killed; what it remembered is lost.

    It works while its workflow is open.
    """

    def __init__(
        self,
        db: Database,
        temporal: Temporal,
        clock: Callable[[], int],
        is_present: Callable[[str], bool],
        order: Callable[[str, WorkerStatus], None],
        disconnect: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._temporal = temporal
        self._watch = KeeperWatch(self, KEEPER_LOOK)
        self.dies_after: int | None = None
        self.jobs = ModelJobs(temporal, self._step)
        self._store = ModelStore(db, clock, self._step)
        self._hosts = ModelHosts(is_present, order, disconnect, self._step)
        self.restart()

    @property
    def lies(self) -> list[str]:
        """What it said about waiting tasks that was not so."""
        return self._store.lies

    @property
    def said(self) -> list[Message]:
        """What an older keeper may say again."""
        return self.jobs.said

    def restart(self) -> None:
        self._wakeup = Wakeup(self._clock)
        self._epoch = Epoch(
            1, self._store, self.jobs, self._hosts, self._wakeup, TIMES, clock=self._clock
        )

    def rest(self, worker_id: str) -> None:
        self._wakeup.unresponsive(worker_id)

    def look(self) -> None:
        """See that the keeper's workflow is open."""
        _run(self._watch.look())

    async def start_keeper(self) -> bool:
        """Implements `activities.keeper_watch.KeeperStart`."""
        self._temporal.check()
        if self._temporal.is_keeper_open:
            return False
        self._temporal.is_keeper_open = True
        self.restart()
        return True

    def tick(self) -> None:
        if not self._temporal.is_keeper_open:
            return
        try:
            _run(self._work())
        except* TemporalAway:
            pass
        except* Died:
            self.dies_after = None
            self.restart()

    async def _work(self) -> None:
        async with asyncio.TaskGroup() as starting:
            await self._epoch.start_jobs(starting)
        await self._epoch.make_pass()
        await self._epoch.audit_if_due()

    def _step(self) -> None:
        if self.dies_after is not None:
            self.dies_after -= 1
            if self.dies_after < 0:
                raise Died


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Run the work to its end. Nothing in the model takes time, so tasks run in their order."""
    _LOOP.run_until_complete(work)


class ModelStore:
    """Implements `activities.keeping.KeeperStore`."""

    def __init__(self, db: Database, clock: Callable[[], int], step: Callable[[], None]) -> None:
        self._db = db
        self._clock = clock
        self._step = step
        self._farm = FarmSnapshot((), (), ())
        self._offers: Sequence[Offer] = ()
        self.lies: list[str] = []
        """What the keeper said that was not so."""

    async def next_epoch(self) -> int:
        return 1

    async def snapshot(self, is_present: Callable[[str], bool]) -> FarmSnapshot:
        self._farm, self._offers = self._db.snapshot(is_present, self._clock()), ()
        return self._farm

    async def write_reasons(self, epoch: int, reasons: Reasons) -> bool:
        self.lies += lies(self._farm, self._offers, reasons)
        return True

    async def write_offers(self, epoch: int, offers: Sequence[Offer]) -> list[Lease]:
        self._offers = offers
        self._step()
        return self._db.write_offers(offers, self._clock())

    async def unconfirmed_leases(self, older_than_s: float) -> list[Lease]:
        before = self._clock() - older_than_s
        open_leases = self._db.leases.values()
        return [each.lease for each in open_leases if not each.is_held and each.since <= before]

    async def mark_recalled(self, epoch: int, recalls: Sequence[RecallOrder]) -> None:
        self._step()
        for order in recalls:
            record = self._db.leases.get(order.lease_id)
            if record is not None and record.recall != "at-once":
                record.recall = "at-once" if order.at_once else "after-task"

    async def mark_returned(self, epoch: int, lease_ids: Sequence[str]) -> None:
        self._step()
        for lease_id in lease_ids:
            self._db.leases.pop(lease_id, None)

    async def mark_lost(self, epoch: int, worker_id: str) -> bool:
        self._step()
        worker = self._db.workers[worker_id]
        worker.status, worker.requested, worker.is_lazy = WorkerStatus.ERROR, None, False
        return True

    async def outbox(self, most: int | None = None) -> list[tuple[str, int]]:
        return list(self._db.outbox.items())[:most]

    async def started(self, job_id: str, run: int) -> None:
        self._step()
        if self._db.outbox.get(job_id) == run:
            del self._db.outbox[job_id]

    async def start_anew(self, job_id: str, run: int) -> bool:
        self._step()
        return self._db.restart(job_id, run)

    async def unfinished_runs(self) -> list[StoredRun]:
        jobs = self._db.jobs.values()
        return [_stored(j) for j in jobs if not j.is_ended and j.id not in self._db.outbox]

    async def stored_runs(self, job_ids: Collection[str]) -> Mapping[str, StoredRun]:
        return {i: _stored(self._db.jobs[i]) for i in job_ids if i in self._db.jobs}


def _stored(job: JobRecord) -> StoredRun:
    return StoredRun(job.id, job.run, job.sequence, job.is_ended)


class ModelJobs:
    """Implements `activities.keeping.JobMessages`."""

    def __init__(self, temporal: Temporal, step: Callable[[], None]) -> None:
        self.said: list[Message] = []
        self._temporal = temporal
        self._step = step

    async def start_job(self, job_id: str, run: int) -> bool:
        self._step()
        return self._temporal.start(job_id, run)

    async def open_run(self, stored: StoredRun) -> OpenRun | None:
        self._temporal.check()
        execution = self._temporal.executions.get(stored.job_id)
        if execution is None:
            return None
        is_asked = execution.run == stored.run and execution.job is not None
        return OpenRun(execution.run, execution.job.sequence if is_asked else None)  # type: ignore[union-attr] # it has a job when it is asked

    async def tell(self, message: Message) -> None:
        self._step()
        self._temporal.signal(message.job_id, message.signal, message.content)
        self.said.append(message)

    async def open_workflows(self) -> AsyncIterator[OpenWorkflow]:
        self._temporal.check()
        for execution in list(self._temporal.executions.values()):
            yield OpenWorkflow(execution.job_id, str(execution.id), execution.job_id, execution.run)

    async def end_workflow(self, workflow: OpenWorkflow, reason: str) -> None:
        self._step()
        execution: Execution | None = self._temporal.executions.get(workflow.job_id)
        if execution is not None and str(execution.id) == workflow.execution_id:
            self._temporal.close(workflow.job_id)


class ModelHosts:
    """Implements `activities.keeping.OrderedHosts`."""

    def __init__(
        self,
        is_present: Callable[[str], bool],
        order: Callable[[str, WorkerStatus], None],
        disconnect: Callable[[str], None],
        step: Callable[[], None],
    ) -> None:
        self.is_present = is_present
        self._order = order
        self._disconnect = disconnect
        self._step = step

    async def order_status(self, worker_id: str, status: WorkerStatus) -> bool:
        self._step()
        self._order(worker_id, status)
        return True

    async def disconnect(self, worker_id: str, reason: str) -> None:
        self._step()
        self._disconnect(worker_id)
