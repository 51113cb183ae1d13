"""The model's managers, working for workers that speak HTTP: the table of their runs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.model.temporal import Activity, Beat, Temporal
from tests.model.times import GRACE, HTTP_TASK_TIMEOUT, HTTP_WORKER_TIMEOUT
from workflows.domain.messages import HTTP_TASK_QUEUE, Outcome, OutcomeKind, RunKey, RunRef
from workflows.domain.statuses import WorkerStatus

if TYPE_CHECKING:
    from tests.model.database import Database, WorkerRecord

#: Workers of these statuses are not waited for.
_SILENT = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})
_TAKES = frozenset({WorkerStatus.AWAKE, WorkerStatus.STARTING})


@dataclass
class HttpRun:
    ref: RunRef
    worker_id: str
    session: int
    activity: int | None
    """The newest one that waits for the outcome."""
    touched: int
    is_running: bool = False
    """It was handed out."""
    outcome: Outcome | None = None
    stop_reason: str = ""

    @property
    def key(self) -> RunKey:
        return self.ref.key


class HttpRuns:
    """What `manager_api.runs.http_store` and the duties of `manager_api.http_workers` do."""

    def __init__(self, db: "Database", temporal: Temporal) -> None:
        self._db = db
        self._temporal = temporal
        self._unattached: dict[RunKey, int] = {}

    def restart(self) -> None:
        self._unattached.clear()

    def tick(self, now: int, listening_since: int) -> None:
        if self._temporal.is_up:
            while (activity := self._temporal.poll(HTTP_TASK_QUEUE, now)) is not None:
                outcome = self._attach(activity, now)
                if outcome is not None:
                    self._temporal.complete(activity.id, outcome)
            self._deliver()
            self._heartbeat(now)
        self._look(now, listening_since)

    # --- asked by a job's workflow ---------------------------------------------------------------

    def _attach(self, activity: Activity, now: int) -> Outcome | None:
        ref = activity.ref
        row = self._db.http_runs.get(ref.key)
        if row is None or (row.outcome is not None and row.outcome.not_handed_out):
            return self._enter(activity, now)
        row.ref = ref
        if row.worker_id in self._db.workers:
            row.session = self._db.workers[row.worker_id].session
        row.activity = None if row.outcome else activity.id
        return row.outcome

    def _enter(self, activity: Activity, now: int) -> Outcome | None:
        ref = activity.ref
        lease = self._db.leases.get(ref.lease_id)
        if lease is None:
            return _refused("its lease has been returned")
        worker = self._db.workers.get(lease.lease.worker_id)
        if worker is None or self._db.generations[worker.id, ref.slot] > ref.generation:
            return _refused("the worker was lent anew, or deleted")
        if worker.status not in _TAKES or worker.requested is not None:
            return _refused(f"the worker is {worker.status}")
        for older in self.open_of(worker.id):
            self._stop(older, "its worker was lent anew")
        row = HttpRun(ref, worker.id, worker.session, activity.id, now)
        self._db.http_runs[ref.key] = row
        return None

    def stop(self, key: RunKey, reason: str) -> None:
        row = self._db.http_runs.get(key)
        if row is not None and row.outcome is None:
            self._stop(row, reason)

    def _stop(self, row: HttpRun, reason: str) -> None:
        worker = self._db.workers.get(row.worker_id)
        is_heard = worker is not None and worker.status not in _SILENT
        if row.is_running and is_heard and worker is not None and worker.session == row.session:
            row.stop_reason = row.stop_reason or reason
        else:
            end(row, Outcome(OutcomeKind.CANCELED, reason))

    # --- the duties ------------------------------------------------------------------------------

    def _deliver(self) -> None:
        for row in self._db.http_runs.values():
            if row.outcome is not None and row.activity is not None:
                self._temporal.complete(row.activity, row.outcome)
                row.activity = None

    def _heartbeat(self, now: int) -> None:
        for row in list(self._db.http_runs.values()):
            if row.outcome is None and row.activity is not None:
                match self._temporal.heartbeat(row.activity, now):
                    case Beat.CANCEL:
                        self._stop(row, "its job stopped it")
                    case Beat.NOT_FOUND:
                        row.activity = None
                    case Beat.OK:
                        pass

    def _look(self, now: int, listening_since: int) -> None:
        rows = self._db.http_runs
        unattached = {
            key
            for key, row in rows.items()
            if row.outcome is None and row.activity is None and not row.stop_reason
        }
        self._unattached = {key: self._unattached.get(key, now) for key in unattached}
        for key, row in list(rows.items()):
            if now - self._unattached.get(key, now) > GRACE:
                self._stop(row, "no activity waits for it any more")
            if row.outcome is None:
                self._end_silent(row, now - max(row.touched, listening_since))
            elif row.activity is None and self._may_be_forgotten(row, row.outcome):
                del rows[key]

    def _may_be_forgotten(self, row: HttpRun, outcome: Outcome) -> bool:
        worker = self._db.workers.get(row.worker_id)
        is_of_session = worker is None or worker.session == row.session
        is_asked_for_again = not is_of_session and row.ref.lease_id in self._db.leases
        is_settled = self._db.is_settled(row.key) and not is_asked_for_again
        return outcome.not_handed_out or is_settled

    def _end_silent(self, row: HttpRun, silence: int) -> None:
        if not row.is_running and silence > HTTP_WORKER_TIMEOUT:
            end(row, Outcome(OutcomeKind.REFUSED, "its worker did not fetch it"))
        elif row.is_running and silence > HTTP_TASK_TIMEOUT:
            kind = OutcomeKind.CANCELED if row.stop_reason else OutcomeKind.FAILED
            end(row, Outcome(kind, row.stop_reason or "timed out"))

    # --- a worker's sessions ---------------------------------------------------------------------

    def open_of(self, worker_id: str) -> list[HttpRun]:
        rows = self._db.http_runs.values()
        return [row for row in rows if row.worker_id == worker_id and row.outcome is None]

    def newest_of_task(self, key: RunKey, worker_id: str) -> HttpRun | None:
        """A worker names its task, and knows nothing of runs and attempts."""
        return max(self._of_task(key, worker_id), key=lambda row: row.key, default=None)

    def _of_task(self, key: RunKey, worker_id: str) -> Iterator[HttpRun]:
        for row in self._db.http_runs.values():
            is_of_task = (row.key.job_id, row.key.index) == (key.job_id, key.index)
            if is_of_task and row.worker_id == worker_id and row.is_running:
                yield row

    def begin_session(self, worker: "WorkerRecord") -> None:
        worker.session += 1
        of_worker = [row.key for row in self._db.http_runs.values() if row.worker_id == worker.id]
        worker.live_runs = tuple(sorted(str(key) for key in of_worker))
        worker.polls_until = 0

    def process_began(self, worker: "WorkerRecord") -> None:
        for row in self.open_of(worker.id):
            if row.is_running:
                kind = OutcomeKind.CANCELED if row.stop_reason else OutcomeKind.LOST
                end(row, Outcome(kind, "its worker started anew"))
                row.activity = None
        self.begin_session(worker)

    def give_back(self, worker_id: str, reason: str) -> None:
        for row in self.open_of(worker_id):
            kind = OutcomeKind.CANCELED if row.stop_reason else OutcomeKind.REFUSED
            end(row, Outcome(kind, row.stop_reason or reason))

    def hung_up(self, worker: "WorkerRecord") -> None:
        worker.polls_until = 0
        for row in self.open_of(worker.id):
            if not row.is_running:
                end(row, Outcome(OutcomeKind.REFUSED, "its worker hung up"))

    def confirm_stops(self, worker_id: str) -> None:
        for row in self.open_of(worker_id):
            if row.stop_reason:
                end(row, Outcome(OutcomeKind.CANCELED, row.stop_reason))


def end(row: HttpRun, outcome: Outcome) -> None:
    """The first outcome counts."""
    row.outcome = row.outcome or replace(outcome, not_handed_out=not row.is_running)


def _refused(reason: str) -> Outcome:
    return Outcome(OutcomeKind.REFUSED, reason, not_handed_out=True)
