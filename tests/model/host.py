"""The model's render machine: its host process, the book of runs, and shims that outlive both."""

from dataclasses import dataclass, replace
from random import Random

from tests.model.database import Database
from tests.model.temporal import Activity, Beat, Temporal
from tests.model.times import ALONE, GRACE, LONGEST_RUN, ORPHANED_SHIM, STOPPING
from workflows.domain.fault_rules import Fault
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef, worker_task_queue
from workflows.domain.runs import (
    CANCELED_BEFORE,
    Attach,
    Begin,
    Entry,
    Kept,
    Phase,
    RunBook,
    Withdrawal,
)
from workflows.domain.statuses import WorkerStatus

SUPERSEDED = Outcome(OutcomeKind.SUPERSEDED)
WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN)
#: What a tick is in the words of a host: its runs are short enough for the next task to wait.
_TICK_S = 1.0


@dataclass
class Shim:
    """A run's process group."""

    ref: RunRef
    ends_at: int
    kind: OutcomeKind
    since: int


class Host:
    def __init__(self, worker_id: str, rng: Random) -> None:
        self.id = worker_id
        self._rng = rng
        self.outcomes: tuple[OutcomeKind, ...] = (OutcomeKind.COMPLETED,)
        self.shims: dict[RunKey, Shim] = {}
        self.book = RunBook()
        self.succeeded: set[tuple[str, int, int]] = set()
        """(job, index, attempt) that ran to success here."""
        self.stopped: list[RunKey] = []
        """Runs that were broken off though they lived."""
        self.has_restarted = False
        """Of no concern here: the tasks of an older session are in a queue of their own."""
        self.begun: list[RunKey] = []
        self.is_tunneled = rng.random() < 0.5
        """It reaches Temporal through the manager only."""
        # Faults of the network.
        self.is_manager_cut = False
        self.is_temporal_cut = False
        # The process.
        self.is_up = True
        self.session: int | None = None
        self.is_connected = False
        self.status = WorkerStatus.AWAKE
        self._attached: dict[RunKey, int] = {}
        self._unattached: dict[RunKey, int] = {}
        self._beginning: dict[RunKey, Begin] = {}
        self._alone = 0
        self._down = 0

    # --- faults ----------------------------------------------------------------------------------

    def process_dies(self) -> None:
        self.is_up = self.is_connected = False
        self.session = None
        self._attached.clear()
        self._unattached.clear()
        self._beginning.clear()
        self._alone = self._down = 0
        self._read_disk()

    def machine_dies(self) -> None:
        for key in list(self.shims):
            self._shim_ends(key, Outcome(OutcomeKind.LOST, "the machine went down"))
        self.process_dies()

    def _read_disk(self) -> None:
        """What the next process finds: runs that were begun, their outcomes, tombstones."""
        found, book = self.book.snapshot(), RunBook()
        for entry in found.entries:
            if entry.phase is not Phase.BEGINNING:
                book.adopt(entry.ref, entry.outcome)
        for key, since in found.tombstones:
            book.stop(key, since)
        self.book = book

    # --- control channel -------------------------------------------------------------------------

    def connect(self, db: Database, now: int) -> None:
        runs = tuple(str(entry.ref.key) for entry in self.book.snapshot().entries)
        session = db.open_session(self.id, self.session, runs)
        if session != self.session:
            self.session = session
            self.book.signed_on()
            for key in self.book.live():
                self._unattached.setdefault(key, now)
        self.is_connected = True
        worker = db.workers[self.id]
        if worker.requested is not None and not (worker.is_lazy and db.is_lent(self.id)):
            self.status = worker.requested
        elif worker.status is WorkerStatus.ASLEEP:
            self.status = WorkerStatus.ASLEEP
        self._welcomed(db, now)

    def _welcomed(self, db: Database, now: int) -> None:
        for entry in self.book.snapshot().entries:
            key = entry.ref.key
            if db.is_settled(key):
                self.settled(key, now)
            elif not db.has_authority(self.id, key):
                self.stop(key, now)
        self.ordered(self.status)

    def ordered(self, status: WorkerStatus) -> None:
        self.status = status
        self.book.refusing = "" if status is WorkerStatus.AWAKE else f"it is {status}"

    def stop(self, key: RunKey, now: int) -> None:
        self.book.stop(key, float(now))
        if key in self.shims and self.shims[key].kind is not OutcomeKind.CANCELED:
            shim = self.shims[key]
            shim.kind = OutcomeKind.CANCELED
            shim.ends_at = min(shim.ends_at, now + self._rng.randint(1, STOPPING))

    def settled(self, key: RunKey, now: int) -> None:
        entry = self.book.entry(key)
        if entry is not None and entry.outcome is not None:
            if key not in self._attached:
                self.book.forget(key)
        elif entry is not None:
            self.stop(key, now)

    # --- time ------------------------------------------------------------------------------------

    def tick(self, db: Database, temporal: Temporal, now: int, *, is_manager_up: bool) -> None:
        self._shims_tick(now)
        if not self.is_up:
            self._down += 1
            if self._down > ORPHANED_SHIM:
                for key in list(self.shims):
                    self.stop(key, now)
            return
        reaches_manager = is_manager_up and not self.is_manager_cut and self.id in db.workers
        has_way = reaches_manager or not self.is_tunneled
        reaches_temporal = temporal.is_up and not self.is_temporal_cut and has_way
        self.is_connected = self.is_connected and reaches_manager
        if reaches_manager and not self.is_connected:
            self.connect(db, now)
        if self.is_connected and self.session is not None:
            db.reported(self.id, self.session, self.status)
        if reaches_temporal:
            self._work(temporal, now)
        self._begin(db, temporal, now, reaches_manager, reaches_temporal)
        self._count_grace(now, reaches_manager, reaches_temporal)

    def _shims_tick(self, now: int) -> None:
        for key, shim in list(self.shims.items()):
            if now >= shim.ends_at:
                self._shim_ends(key, self._outcome(shim.kind))

    def _outcome(self, kind: OutcomeKind) -> Outcome:
        """A failure may be the machine's, the scene's, or by chance."""
        if kind is not OutcomeKind.FAILED:
            return Outcome(kind, "model")
        fault = self._rng.choice(("", "", *Fault))
        may_be_tasks = fault == Fault.MACHINE and self._rng.random() < 0.5
        return Outcome(kind, "model", fault=fault, may_be_tasks=may_be_tasks)

    def _shim_ends(self, key: RunKey, outcome: Outcome) -> None:
        shim = self.shims.pop(key)
        outcome = replace(outcome, ran_s=_TICK_S * (shim.ends_at - shim.since))
        kept = self.book.ended(key, outcome)
        if kept.kind is OutcomeKind.COMPLETED:
            self.succeeded.add((key.job_id, key.index, key.attempt))
        elif kept.kind is OutcomeKind.CANCELED:
            self.stopped.append(key)

    # --- activities ------------------------------------------------------------------------------

    def _work(self, temporal: Temporal, now: int) -> None:
        if self.session is not None and self._rng.random() < 0.8:
            queue = worker_task_queue(self.id, self.session)
            while (activity := temporal.poll(queue, now)) is not None:
                if activity.is_withdrawal:
                    self._asked_back(activity, temporal, now)
                else:
                    self._asked(activity, temporal)
        for key, number in list(self._attached.items()):
            entry = self.book.entry(key)
            if entry is not None and entry.outcome is not None:
                self._report(key, number, entry.outcome, temporal)
            else:
                self._beat(key, number, temporal, now)

    def _asked(self, activity: Activity, temporal: Temporal) -> None:
        key = activity.ref.key
        match self.book.asked(activity.ref):
            case Kept(outcome):
                self._answer(activity.id, outcome, temporal)
                if key not in self._attached:
                    self.book.forget(key)
            case Attach():
                if key in self._attached:
                    self._answer(self._attached[key], SUPERSEDED, temporal)
                self._attached[key] = activity.id
                self._unattached.pop(key, None)
            case Begin() as begin:
                self._attached[key] = activity.id
                self._beginning[key] = begin

    def _asked_back(self, question: Activity, temporal: Temporal, now: int) -> None:
        key = question.ref.key
        match self.book.withdraw(key, float(now)):
            case Withdrawal.BEGUN:
                answer = Outcome(OutcomeKind.BEGUN)
            case Withdrawal.UNKNOWN:
                answer = CANCELED_BEFORE
            case Withdrawal.WITHDRAWN:
                answer = WITHDRAWN
                del self._beginning[key]
                if (number := self._attached.pop(key, None)) is not None:
                    self._answer(number, WITHDRAWN, temporal)
        self._answer(question.id, answer, temporal)

    def _report(self, key: RunKey, number: int, outcome: Outcome, temporal: Temporal) -> None:
        del self._attached[key]
        if self._answer(number, outcome, temporal):
            self.book.forget(key)

    def _answer(self, number: int, outcome: Outcome, temporal: Temporal) -> bool:
        return temporal.complete(number, outcome)

    def _beat(self, key: RunKey, number: int, temporal: Temporal, now: int) -> None:
        match temporal.heartbeat(number, now):
            case Beat.CANCEL:
                self.stop(key, now)
            case Beat.NOT_FOUND:
                del self._attached[key]
                self._unattached[key] = now
            case Beat.OK:
                pass

    def _begin(
        self, db: Database, temporal: Temporal, now: int, has_manager: bool, has_temporal: bool
    ) -> None:
        for key, begin in list(self._beginning.items()):
            for other in begin.stop_first:
                self.stop(other, now)
            entry = self.book.entry(key)
            if entry is not None and self.book.blockers(key):
                continue
            if entry is None:
                del self._beginning[key]
            elif (nothing := self._why_not(entry, db, has_manager)) is not None:
                self._comes_to_nothing(key, nothing, temporal, has_temporal)
            elif has_manager:
                self._shim_begins(entry.ref, now)

    def _why_not(self, entry: Entry, db: Database, has_manager: bool) -> Outcome | None:
        """The outcome of a run that must not begin; None if it may."""
        if entry.is_stopping:
            return CANCELED_BEFORE
        if refusal := self.book.refusal(entry.ref.key):
            return Outcome(OutcomeKind.REFUSED, refusal)
        if has_manager and entry.ref.lease_id not in db.leases:
            return Outcome(OutcomeKind.REFUSED, "no lease")
        return None

    def _comes_to_nothing(
        self, key: RunKey, outcome: Outcome, temporal: Temporal, has_temporal: bool
    ) -> None:
        del self._beginning[key]
        self.book.forget(key)
        number = self._attached.pop(key, None)
        if number is not None and has_temporal:
            self._answer(number, outcome, temporal)

    def _shim_begins(self, ref: RunRef, now: int) -> None:
        del self._beginning[ref.key]
        if self.book.began(ref.key):
            kind = self._rng.choice(self.outcomes)
            ends_at = now + self._rng.randint(1, LONGEST_RUN)
            self.shims[ref.key] = Shim(ref, ends_at, kind, now)
            self.begun.append(ref.key)

    def _count_grace(self, now: int, reaches_manager: bool, reaches_temporal: bool) -> None:
        self._alone = 0 if reaches_manager or reaches_temporal else self._alone + 1
        if self._alone > ALONE:
            for key in self.book.live():
                self.stop(key, now)
        live = set(self.book.live())
        for key in list(self._unattached):
            if key not in live:
                del self._unattached[key]
            elif not (reaches_manager and reaches_temporal):
                self._unattached[key] += 1
            elif now - self._unattached[key] > GRACE:
                self.stop(key, now)
