"""The model's keeper: passes over the farm, each of which may be cut off anywhere."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from typing import Any

from tests.model.database import Database, JobRecord
from tests.model.temporal import Execution, NoWorkflow, Temporal, Unreachable
from tests.model.times import AUDIT, COOLDOWN, RESEND
from workflows.domain.matchmaking import Plan, plan
from workflows.domain.messages import Lease, Recall
from workflows.domain.statuses import WorkerStatus

Step = Callable[[], None]


class Keeper:
    """Holds nothing that may not be lost; `dies_after` cuts the next pass off."""

    def __init__(
        self,
        db: Database,
        temporal: Temporal,
        is_present: Callable[[str], bool],
        order: Callable[[str, WorkerStatus], None],
    ) -> None:
        self.db = db
        self.temporal = temporal
        self.dies_after: int | None = None
        self.cooling: dict[str, int] = {}
        self.said: list[tuple[str, str, Any]] = []
        """What an older keeper may say again."""
        self._is_present = is_present
        self._order = order
        self._told: dict[Any, int] = {}
        self._audited = 0

    def restart(self) -> None:
        self._told.clear()
        self.cooling.clear()
        self._audited = 0

    def tick(self, now: int) -> None:
        try:
            for step in self._pass(now):
                if self.dies_after is not None:
                    self.dies_after -= 1
                    if self.dies_after < 0:
                        self.dies_after = None
                        self.restart()
                        return
                step()
        except Unreachable:
            return

    def _pass(self, now: int) -> Iterator[Step]:
        for job_id, run in list(self.db.outbox.items()):
            yield lambda job_id=job_id, run=run: self._start(job_id, run)  # type: ignore[misc]
        resting = frozenset(w for w, since in self.cooling.items() if now - since <= COOLDOWN)
        planned = plan(self.db.snapshot(self._is_present, resting))
        for worker_id in planned.lost:
            yield lambda worker_id=worker_id: self._lose(worker_id)  # type: ignore[misc]
        for lease_id in planned.orphaned:
            yield lambda lease_id=lease_id: self._drop(lease_id)  # type: ignore[misc]
        for job_id, kind, content in self._messages(planned, now):
            yield lambda j=job_id, k=kind, c=content: self._tell(j, k, c)  # type: ignore[misc]
        for order in planned.status_orders:
            yield lambda o=order: self._order(o.worker_id, o.status)  # type: ignore[misc]
        if now - self._audited >= AUDIT:
            self._audited = now
            yield self._audit

    def _start(self, job_id: str, run: int) -> None:
        self.temporal.start(job_id, run)
        if self.db.outbox.get(job_id) == run:
            del self.db.outbox[job_id]

    def _lose(self, worker_id: str) -> None:
        worker = self.db.workers[worker_id]
        worker.status, worker.requested, worker.is_lazy = WorkerStatus.ERROR, None, False

    def _drop(self, lease_id: str) -> None:
        self.db.leases.pop(lease_id, None)

    def _tell(self, job_id: str, kind: str, content: Any) -> None:
        try:
            self.temporal.signal(job_id, kind, content)
            self.said.append((job_id, kind, content))
        except NoWorkflow:
            self._audited = min(self._audited, 0)

    def _audit(self) -> None:
        """Jobs without a workflow, workflows without a job, workflows set back in time."""
        self.temporal.check()
        for job in self.db.jobs.values():
            if job.is_ended or job.id in self.db.outbox:
                continue
            execution = self.temporal.executions.get(job.id)
            if execution is None or execution.run != job.run or _is_set_back(execution, job):
                self.db.restart(job)
            elif _is_ahead(execution, job):
                self._tell(job.id, "tell_again", None)
        for execution in list(self.temporal.executions.values()):
            if _is_astray(execution, self.db.jobs.get(execution.job_id)):
                self.temporal.close(execution.job_id)

    # --- messages --------------------------------------------------------------------------------

    def _messages(self, planned: Plan, now: int) -> Iterator[tuple[str, str, Any]]:
        lent: defaultdict[str, list[Lease]] = defaultdict(list)
        for lease in [*self.db.write_offers(planned.offers, now), *self._unconfirmed(now)]:
            lent[lease.job_id].append(lease)
        for job_id, leases in lent.items():
            yield job_id, "lend", leases
        for order in planned.recalls:
            if self._is_due(("recall", order.lease_id, order.at_once), now):
                self._mark_recalled(order.lease_id, order.at_once)
                yield order.job_id, "recall", [Recall(order.lease_id, order.at_once)]
        for kind, messages in (
            ("worker_gone", planned.gone),
            ("session_changed", planned.changed_sessions),
            ("census", planned.censuses),
        ):
            for job_id, message in messages:
                if self._is_due((kind, job_id, message), now):
                    yield job_id, kind, message

    def _unconfirmed(self, now: int) -> Collection[Lease]:
        return [
            record.lease
            for record in self.db.leases.values()
            if not record.is_held
            and now - record.since >= RESEND
            and self._is_due(("lend", record.lease.id), now)
        ]

    def _mark_recalled(self, lease_id: str, at_once: bool) -> None:
        record = self.db.leases.get(lease_id)
        if record is not None and record.recall != "at-once":
            record.recall = "at-once" if at_once else "after-task"

    def _is_due(self, key: Any, now: int) -> bool:
        if now - self._told.get(key, -RESEND) < RESEND:
            return False
        self._told[key] = now
        return True


def _is_set_back(execution: Execution, job: JobRecord) -> bool:
    return execution.job is not None and execution.job.sequence < job.sequence


def _is_ahead(execution: Execution, job: JobRecord) -> bool:
    """Or a write is on its way: then there is one more."""
    return execution.job is not None and execution.job.sequence > job.sequence


def _is_astray(execution: Execution, job: JobRecord | None) -> bool:
    """Its run does not own the job, or has ended in the database but not in Temporal."""
    if job is None or execution.run != job.run:
        return True
    return job.is_ended and _is_set_back(execution, job)
