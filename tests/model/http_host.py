"""The model's render machine with Flamenco's own worker: it asks, the managers answer."""

from dataclasses import dataclass
from random import Random

from tests.model.database import Database, WorkerRecord
from tests.model.host import Shim
from tests.model.http_runs import HttpRuns, end
from tests.model.times import HTTP_IDLE, HTTP_POLL, LONGEST_RUN
from workflows.domain.http_workers import (
    TaskStanding,
    may_keep_running,
    outcome_reported,
    status_when_it_asks_for_its_state,
    status_when_it_polls,
)
from workflows.domain.messages import OutcomeKind, RunKey
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.worker import StatusRequest

#: What a worker says of its task when that ended so. It gives back what broke off.
_SAYS = {
    OutcomeKind.COMPLETED: TaskStatus.COMPLETED,
    OutcomeKind.FAILED: TaskStatus.FAILED,
    OutcomeKind.LOST: TaskStatus.QUEUED,
}


@dataclass(frozen=True)
class Report:
    """Kept on the worker's disk until the manager has it."""

    key: RunKey
    kind: OutcomeKind


class HttpHost:
    """It has one slot, one task at most, and no idea of sessions, leases and attempts."""

    def __init__(self, worker_id: str, db: Database, runs: HttpRuns, rng: Random) -> None:
        self.id = worker_id
        self._db = db
        self._runs = runs
        self._rng = rng
        self.outcomes: tuple[OutcomeKind, ...] = (OutcomeKind.COMPLETED,)
        self.shims: dict[RunKey, Shim] = {}
        self.succeeded: set[tuple[str, int, int]] = set()
        self.stopped: list[RunKey] = []
        self.has_restarted = False
        """Then a task of a lease from before may reach it, which is stopped and tried again."""
        self.begun: list[RunKey] = []
        """What was handed out for the first time: until it ends, it is begun again if asked for."""
        self.is_manager_cut = False
        self.is_temporal_cut = False
        """Of no concern to it."""
        self.is_up = True
        self.is_connected = False
        """It was answered in this tick."""
        self._has_signed_on = False
        self._is_asleep = False
        self._reports: list[Report] = []
        self._question_ends = 0
        """0: it does not wait for a task."""
        self._idle_until = 0

    # --- faults ----------------------------------------------------------------------------------

    def process_dies(self) -> None:
        """Its task dies with it, and without a word. Reports are on its disk."""
        self._hang_up()
        self.has_restarted = True
        self.is_up = self.is_connected = self._has_signed_on = self._is_asleep = False
        self._idle_until = 0
        self.shims.clear()

    def machine_dies(self) -> None:
        self.process_dies()

    def _hang_up(self) -> None:
        worker = self._db.workers.get(self.id)
        if self._question_ends and worker is not None and self._rng.random() < 0.7:
            self._runs.hung_up(worker)
        self._question_ends = 0

    # --- time ------------------------------------------------------------------------------------

    def tick(self, now: int, *, is_manager_up: bool) -> None:
        self._task_ends(now)
        worker = self._db.workers.get(self.id)
        reaches_manager = is_manager_up and not self.is_manager_cut
        self.is_connected = self.is_up and reaches_manager and worker is not None
        if not self.is_connected or worker is None:
            self._question_ends = 0  # the connection broke; the manager may not know of it
        elif not self._has_signed_on:
            self._sign_on(worker)
        else:
            self._says_what_it_has_to(worker, now)

    def _task_ends(self, now: int) -> None:
        for key, shim in list(self.shims.items()):
            if now >= shim.ends_at:
                del self.shims[key]
                self._reports.append(Report(key, shim.kind))
                if shim.kind is OutcomeKind.COMPLETED:
                    self.succeeded.add((key.job_id, key.index, key.attempt))

    def _sign_on(self, worker: WorkerRecord) -> None:
        self._runs.process_began(worker)
        worker.status = WorkerStatus.STARTING
        self._has_signed_on = True

    def _says_what_it_has_to(self, worker: WorkerRecord, now: int) -> None:
        if self._reports:
            self._report(self._reports.pop(0), now)
        elif worker.status is WorkerStatus.STARTING:
            self._become(worker, worker.requested or WorkerStatus.AWAKE)
        elif self.shims:
            self._ask_whether_to_go_on(worker, now)
        elif self._is_asleep:
            self._ask_for_its_state(worker)
        elif now >= self._idle_until:
            self._ask_for_a_task(worker, now)

    # --- its status ------------------------------------------------------------------------------

    def _become(self, worker: WorkerRecord, status: WorkerStatus) -> None:
        is_new = worker.status is WorkerStatus.ERROR
        if status is not WorkerStatus.AWAKE:
            self._runs.give_back(self.id, f"its worker is {status}")
            worker.polls_until = 0
        self._db.reported(self.id, worker.session, status)
        if is_new:
            self._runs.begin_session(worker)
        self._is_asleep = status is WorkerStatus.ASLEEP
        self._question_ends = 0

    def _ask_for_its_state(self, worker: WorkerRecord) -> None:
        is_requested = worker.requested is not None
        asleep = status_when_it_asks_for_its_state(worker.status, is_requested=is_requested)
        self._heard_anew(worker, asleep)
        if worker.requested is not None:
            self._become(worker, worker.requested)

    def _heard_anew(self, worker: WorkerRecord, status: WorkerStatus) -> None:
        was_started = worker.status is WorkerStatus.STARTING and status is WorkerStatus.AWAKE
        if status is not worker.status:
            self._db.reported(self.id, worker.session, status)
            if was_started:
                return
            self._runs.give_back(self.id, "its worker was not heard from")
            self._runs.begin_session(worker)

    # --- its task --------------------------------------------------------------------------------

    def _report(self, report: Report, now: int) -> None:
        row = self._runs.newest_of_task(report.key, self.id)
        if row is None or row.outcome is not None:
            return  # a late word about what was settled or given up
        row.touched, row.is_running = now, True
        outcome = outcome_reported(_SAYS[report.kind], "model", row.stop_reason)
        if outcome is not None:
            end(row, outcome)
        if report.kind is OutcomeKind.COMPLETED:
            self.succeeded.add((row.key.job_id, row.key.index, row.key.attempt))

    def _ask_whether_to_go_on(self, worker: WorkerRecord, now: int) -> None:
        [key] = self.shims
        row = self._runs.newest_of_task(key, self.id)
        pending = StatusRequest(worker.requested, worker.is_lazy) if worker.requested else None
        standing = TaskStanding(
            is_its_own=True,
            status=TaskStatus.ACTIVE,
            is_running=row is not None and row.outcome is None,
            stop_reason=row.stop_reason if row is not None else "",
        )
        if may_keep_running(pending, standing).is_granted:
            if row is not None:
                row.touched = now
        else:
            del self.shims[key]
            self.stopped.append(key)

    def _ask_for_a_task(self, worker: WorkerRecord, now: int) -> None:
        if not self._question_ends:
            self._question_ends = now + HTTP_POLL
            self._heard_anew(worker, status_when_it_polls(worker.status))
        elif self._rng.random() < 0.03:
            self._hang_up()
            return
        if worker.requested is not None:
            self._runs.give_back(self.id, f"its worker is to become {worker.requested}")
            self._become(worker, worker.requested)
        elif worker.status is WorkerStatus.AWAKE:
            self._runs.confirm_stops(self.id)
            self._take(worker, now)
        else:
            self._question_ends, self._idle_until = 0, now + HTTP_IDLE

    def _take(self, worker: WorkerRecord, now: int) -> None:
        open_runs = self._runs.open_of(self.id)
        if not open_runs:
            worker.polls_until = self._question_ends
            if now >= self._question_ends:
                self._question_ends, self._idle_until = 0, now + HTTP_IDLE
            return
        row = open_runs[-1]
        if not row.is_running:
            self.begun.append(row.key)
            self._db.hand_out(row.key)
        row.is_running, row.touched, worker.polls_until = True, now, 0
        self._question_ends = 0
        if self._rng.random() < 0.95:  # else the answer is lost, and it asks once more
            kind = self._rng.choice(self.outcomes)
            self.shims[row.key] = Shim(row.ref, now + self._rng.randint(1, LONGEST_RUN), kind, now)
