"""One run of a job: what its workflow decides, without any input or output.

Methods change state and append to an outbox: activities to start and to cancel, pauses to wait
for, and a write for the database. Nothing here saves, sends, reads a clock or rolls dice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from workflows.domain.job.changes import Changes
from workflows.domain.job.encoding import decode, encode
from workflows.domain.job.failures import FailureBook
from workflows.domain.job.leases import Holding, LeaseBook, Start
from workflows.domain.job.tasks import TaskBook
from workflows.domain.job.transitions import REFRESHES_TASKS, TASKS_FOLLOW, next_job_status
from workflows.domain.messages import (
    LONGEST_REASON,
    Census,
    Demand,
    JobSnapshot,
    Lease,
    LeaseReturned,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    Recall,
    RunStopped,
    SessionChanged,
    TasksMoved,
    WorkerGone,
)
from workflows.domain.statuses import ENDED, SCHEDULABLE, JobStatus, TaskStatus


@dataclass(frozen=True, slots=True)
class RetryPause:
    """After `seconds`, these workers may try again what they failed: call `retry_due`."""

    task_type: str
    workers: tuple[str, ...]
    seconds: float


class JobRun:
    """State and rules of one run; `workflows.domain.job.requests` adds what people ask for."""

    def __init__(self, snapshot: JobSnapshot) -> None:
        self.job_id = snapshot.job_id
        self.run = snapshot.run
        self.status = snapshot.status
        self.priority = snapshot.priority
        self.limits = snapshot.limits
        self.sequence = snapshot.sequence
        self.demand = Demand(snapshot.demand_version)
        self.tasks = TaskBook(decode(snapshot.tasks))
        self.failures = FailureBook(self.tasks, snapshot.limits, set(snapshot.blocked))
        self.leases = LeaseBook()
        self.changes = Changes()
        self.starts: list[Start] = []
        self.cancels: list[int] = []
        """Offers whose activities are to be canceled."""
        self.pauses: list[RetryPause] = []
        self.is_finished = False
        """The final write has been taken: after it, the workflow ends."""
        self.generations: dict[str, int] = {}
        """Newest lease seen per `worker/slot`: a late copy of an older one is turned away."""
        self.answered: dict[str, str] = {}
        """Request ids to refusals, empty for a request that was granted."""
        self._retrying: set[tuple[str, tuple[str, ...]]] = set()
        self._has_failed = False
        """A task has failed for good since the job was last settled."""

    def begin(self) -> None:
        """Call it once after a claim: what an older run left active is with nobody now."""
        for index in self.tasks.in_status({TaskStatus.ACTIVE}):
            self._requeue_unblamed(index, "a new run of its job began")
        self.settle()

    # --- leases ----------------------------------------------------------------------------------

    def lend(self, leases: Sequence[Lease]) -> None:
        for lease in leases:
            if lease.id in self.leases:
                self.changes.held.append(lease.id)
            else:
                self._accept(lease)
        self.settle()

    def _accept(self, lease: Lease) -> None:
        slot = f"{lease.worker_id}/{lease.slot}"
        if lease.run != self.run or lease.generation <= self.generations.get(slot, 0):
            self._return(lease, "it came too late")
            return
        for older in self.leases.of_slot(lease.worker_id, lease.slot):
            self._drop(older, "the worker was lent anew")
        self.generations[slot] = lease.generation
        self.changes.held.append(lease.id)
        self.leases.add(Holding(lease))

    def recall(self, recalls: Sequence[Recall]) -> None:
        for recall in recalls:
            holding = self.leases.get(recall.lease_id)
            if holding is not None:
                holding.is_recalled = True
                if recall.at_once:
                    self._stop_live(holding)
        self.settle()

    def worker_gone(self, gone: WorkerGone) -> None:
        for holding in self.leases:
            lease = holding.lease
            if lease.worker_id == gone.worker_id and lease.session <= gone.session:
                self._drop(holding, gone.reason or "the worker is gone")
        self.settle()

    def session_changed(self, changed: SessionChanged) -> None:
        live = set(changed.live)
        for holding in self.leases:
            lease = holding.lease
            if lease.worker_id != changed.worker_id or lease.session >= changed.session:
                continue
            if holding.live is not None and str(holding.key) in live:
                self._move_to_session(holding, changed.session)
            else:
                self._drop(holding, "the worker's host started anew without it")
        self.settle()

    def _move_to_session(self, holding: Holding, session: int) -> None:
        self.leases.move_session(holding, session)
        self.changes.moved.append((holding.lease.id, session))
        self._offer_again(holding)
        if holding.live is not None and holding.live.is_voided:
            self._tell_stopped(holding)

    def _offer_again(self, holding: Holding) -> None:
        # Should the activity of before still be open, it is left alone: to its host, a cancellation
        # would be the order to stop the very run that is asked for again.
        start = self.leases.offer_again(holding)
        if start is not None:
            self.starts.append(start)

    def offer_everything_again(self) -> None:
        """After a continue-as-new: the activities of the run before are out of reach."""
        for holding in self.leases:
            self._offer_again(holding)
            if holding.live is not None and holding.live.is_voided:
                self._tell_stopped(holding)

    def _drop(self, holding: Holding, reason: str, *, unresponsive: bool = False) -> None:
        """Ends a lease without waiting for its host."""
        self._give_up_live(holding, reason)
        self.leases.remove(holding)
        self._return(holding.lease, reason, unresponsive=unresponsive)

    def _give_up_live(self, holding: Holding, reason: str) -> None:
        if holding.live is None:
            return
        index, is_voided = holding.live.index, holding.live.is_voided
        self._stop_live(holding)
        self.leases.end_live(holding)
        self.tasks.release(index)
        if not is_voided:
            self._requeue_unblamed(index, reason)

    def _stop_live(self, holding: Holding) -> None:
        """Orders the run to stop; that it has is told by its outcome."""
        if holding.live is not None:
            self.cancels.append(holding.live.offer)
            self._tell_stopped(holding)

    def _tell_stopped(self, holding: Holding) -> None:
        if holding.key is not None:
            lease = holding.lease
            self.changes.stopped.append(RunStopped(holding.key, lease.worker_id, lease.session))

    def _return(self, lease: Lease, reason: str, *, unresponsive: bool = False) -> None:
        returned = LeaseReturned(lease.id, lease.worker_id, 0, reason, unresponsive)
        self.changes.returned.append(returned)

    # --- outcomes --------------------------------------------------------------------------------

    def offer_ended(self, offer: int, outcome: Outcome) -> None:
        """An activity brought an outcome. Of an offer that was replaced nothing is wanted."""
        holding = self.leases.of_offer(offer)
        if holding is None or holding.live is None:
            return
        outcome = replace(outcome, reason=outcome.reason[:LONGEST_REASON])
        if outcome.kind is OutcomeKind.SUPERSEDED:
            # Somebody else attached to it, yet nobody but us may: ask again.
            self._offer_again(holding)
            return
        index, is_voided = holding.live.index, holding.live.is_voided
        self.leases.end_live(holding)
        self.tasks.release(index)
        if not is_voided:
            self._apply(index, holding.lease.worker_id, outcome)
        if outcome.kind is OutcomeKind.REFUSED:
            self.leases.remove(holding)
            self._return(holding.lease, outcome.reason, unresponsive=True)
        self.settle()

    def _apply(self, index: int, worker_id: str, outcome: Outcome) -> None:
        match outcome.kind:
            case OutcomeKind.COMPLETED:
                self.failures.accidents.pop(index, None)
                text = outcome.reason or "Completed"
                self.move_task(index, TaskStatus.COMPLETED, text, worker_id)
            case OutcomeKind.FAILED:
                self._failed(index, worker_id, outcome.reason)
            case OutcomeKind.LOST if not self.failures.is_accident_forgiven(index):
                self._failed(index, worker_id, f"it broke off too often: {outcome.reason}")
            case _:
                self._requeue_unblamed(index, outcome.reason or str(outcome.kind))

    def canceled_unseen(self, offer: int) -> None:
        """Its activity was canceled before the host took it.

        Of a run that had been asked for before, that says nothing: it may live, and only its host
        can tell that it has stopped. So it is asked for once more.
        """
        holding = self.leases.of_offer(offer)
        if holding is None or holding.live is None:
            return
        if holding.live.is_reoffered:
            self._offer_again(holding)
            self._tell_stopped(holding)
        else:
            self.offer_ended(offer, Outcome(OutcomeKind.CANCELED))

    def never_started(self, offer: int) -> None:
        """Schedule-to-start over: the host does not ask for work (protocol rule 6)."""
        holding = self.leases.of_offer(offer)
        if holding is not None:
            self._drop(holding, "the worker did not take the task", unresponsive=True)
            self.settle()

    def fell_silent(self, offer: int) -> None:
        """Heartbeat over: the same host is offered the same attempt; if it lives, it attaches."""
        holding = self.leases.of_offer(offer)
        if holding is None or holding.live is None:
            return
        if holding.live.is_voided:
            self._drop(holding, "the worker fell silent", unresponsive=True)
        else:
            self._offer_again(holding)
        self.settle()

    def _requeue_unblamed(self, index: int, reason: str) -> None:
        if self.tasks.status(index) is not TaskStatus.ACTIVE:
            return
        status = self.waiting_status(TaskStatus.QUEUED)
        self.move_task(index, status, f"Task was {status} by Manager because {reason}")

    def _failed(self, index: int, worker_id: str, reason: str) -> None:
        is_final = self.failures.count_failure(index, worker_id)
        if self.failures.blocks_now(index, worker_id):
            self.changes.blocked = tuple(sorted(self.failures.blocked))
            for other in self.failures.given_back(worker_id):
                self.failures.failed_on.pop(other)
                waiting = self.waiting_status(TaskStatus.QUEUED)
                self.move_task(other, waiting, "Its last worker was blocklisted")
        self.tasks.has_grown = True  # whom the task excludes has changed
        if is_final:
            self.failures.failed_on[index] = worker_id
            self._has_failed = True
            self.move_task(index, TaskStatus.FAILED, f"Failed: {reason}", worker_id)
        else:
            status = self.waiting_status(TaskStatus.SOFT_FAILED)
            self.move_task(index, status, f"Failed: {reason}", worker_id)

    def waiting_status(self, status: TaskStatus) -> TaskStatus:
        """How a task waits: in a paused job as a paused one, its failures still counted."""
        is_pausing = self.status in (JobStatus.PAUSED, JobStatus.PAUSE_REQUESTED)
        return TaskStatus.PAUSED if is_pausing else status

    # --- census ----------------------------------------------------------------------------------

    def census(self, census: Census) -> None:
        if census.version != self.demand.version or self.status not in SCHEDULABLE:
            return
        if census.nobody_left:
            reason = f'no more workers left to run tasks of type "{census.task_type}"'
            self.move_job(JobStatus.FAILED, reason)
        elif census.allow_retry:
            key = (census.task_type, census.allow_retry)
            if key not in self._retrying:
                self._retrying.add(key)
                self.pauses.append(RetryPause(*key, self.limits.retry_pause_s))
        self.settle()

    def retry_due(self, pause: RetryPause) -> None:
        self._retrying.discard((pause.task_type, pause.workers))
        self.tasks.allow_retry(pause.task_type, pause.workers)
        self.settle()

    # --- moving ----------------------------------------------------------------------------------

    def move_task(
        self, index: int, status: TaskStatus, text: str, worker: str | None = None
    ) -> None:
        self.tasks.move(index, status)
        columns = self.tasks.columns
        self.changes.tasks.append(
            TasksMoved(
                str(index),
                status,
                text,
                worker_id=worker,
                attempt=self.tasks.attempt(index),
                failed_by=columns.failed_by[index - 1],
                failures=columns.failures[index - 1],
            )
        )

    def move_tasks(
        self,
        indexes: Sequence[int],
        status: TaskStatus,
        reason: str,
        *,
        are_forgiven: bool = False,
    ) -> None:
        """Moves tasks because their job moved. Runs of those that were active are voided.

        Args:
            indexes: ascending.
            are_forgiven: their failures have been cleared.
        """
        for index in indexes:
            self.void(index)
            self.tasks.move(index, status)
        text = f"Task was {status} by Manager because {reason}"
        self.changes.tasks_moved(indexes, status, text, are_forgiven=are_forgiven)

    def void(self, index: int) -> None:
        """What the task's live run brings is not wanted any more; it is told to stop."""
        holding = self.leases.of_task(index)
        if holding is not None and holding.live is not None and not holding.live.is_voided:
            holding.live.is_voided = True
            self._stop_live(holding)

    def move_job(self, status: JobStatus, reason: str) -> None:
        previous, self.status = self.status, status
        text = f'Changed to status "{status}": {reason}'
        refresh = status in REFRESHES_TASKS
        self.changes.status_moved(previous, status, text, refresh)
        follow = TASKS_FOLLOW.get(status)
        if follow is not None:
            because = f'the job changed to status "{status}": {reason}'
            self.move_tasks(self.tasks.in_status(follow.from_any), follow.to, because)

    def settle(self) -> None:
        """Brings about everything that the last change entails."""
        # One change can entail the next, so repeat until none does.
        while True:
            can_progress = self.tasks.can_progress
            entailed = next_job_status(
                self.status,
                self.tasks.counts,
                can_progress=can_progress,
                has_failed=self._has_failed,
            )
            if entailed is None:
                break
            self.move_job(*entailed)
        self._has_failed = False
        # The version first: who is handed back below is of no use to what is published below.
        version = self.demand.version + (1 if self.tasks.has_grown else 0)
        self._serve_leases(version)
        self._publish_demand(version)
        is_over = self.status in ENDED and not len(self.leases)
        self.changes.is_final = is_over and not self.is_finished

    def _serve_leases(self, demand_version: int) -> None:
        for holding in self.leases:
            if holding.live is None and not self._start_next(holding):
                self.leases.remove(holding)
                lease, is_recalled = holding.lease, holding.is_recalled
                reason = "it was recalled" if is_recalled else "nothing to do for it"
                useless_to = 0 if is_recalled else demand_version
                self.changes.returned.append(
                    LeaseReturned(lease.id, lease.worker_id, useless_to, reason)
                )

    def _start_next(self, holding: Holding) -> bool:
        """Gives a lent worker its next task; false if there is none for it."""
        if holding.is_recalled or self.status not in SCHEDULABLE:
            return False
        if self.leases.live_count >= self.limits.max_live:
            return False
        worker_id = holding.lease.worker_id
        types = [t for t in holding.lease.task_types if not self.failures.is_blocked(worker_id, t)]
        index = self.tasks.choose(types, worker_id)
        if index is None:
            return False
        self.tasks.columns.attempts[index - 1] += 1
        self.move_task(index, TaskStatus.ACTIVE, "Started", worker=worker_id)
        self.tasks.hold(index)
        self.starts.append(self.leases.begin_live(holding, index, self.tasks.attempt(index)))
        if self.status is JobStatus.QUEUED:
            self.move_job(JobStatus.ACTIVE, "a task was started")
        return True

    def _publish_demand(self, version: int) -> None:
        self.tasks.has_grown = False
        wants = self.tasks.wants(self.failures.blocked) if self.status in SCHEDULABLE else ()
        demand = Demand(version, wants)
        if demand != self.demand:
            self.changes.has_demand_grown |= version > self.demand.version
            self.demand = demand
            self.changes.demand = demand

    # --- writes ----------------------------------------------------------------------------------

    def next_write(self) -> ProjectionWrite:
        """What has gathered since the last write. One write at a time."""
        self.sequence += 1
        write = self.changes.take(self.job_id, self.run, self.sequence)
        self.is_finished = self.is_finished or write.is_final
        return write

    def tell_again(self) -> None:
        """The database was set back in time while there was nothing to write: the next write does
        not fit, so that it asks for everything.
        """
        self.changes.demand = self.demand

    def whole(self, write: ProjectionWrite) -> ProjectionWrite:
        """The same write with everything in it, for a database that missed some before."""
        return replace(
            write,
            snapshot=encode(self.tasks.columns),
            all_held=tuple(holding.lease.id for holding in self.leases),
            status=self.status,
            priority=self.priority,
            blocked=tuple(sorted(self.failures.blocked)),
            demand=self.demand,
        )
