"""One run of a job: all decisions of its workflow, without any input or output.

Methods change state and append to an outbox: activities to start and to cancel, pauses to wait
for, and a write for the database. Nothing here saves, sends, reads a clock or uses chance.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workflows.domain.fault_rules import Fault
from workflows.domain.job.changes import Changes
from workflows.domain.job.deck import Decks
from workflows.domain.job.encoding import decode, encode
from workflows.domain.job.failures import FailureBook
from workflows.domain.job.leases import GivenRun, Holding, LeaseBook, Start
from workflows.domain.job.task_names import TaskNames
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
    Want,
    WorkerGone,
)
from workflows.domain.render_warnings import clipped
from workflows.domain.statuses import ENDED, SCHEDULABLE, JobStatus, TaskStatus

#: Outcomes of runs that have begun. (One that was canceled may have been stopped before.)
_HAS_RUN = frozenset({OutcomeKind.COMPLETED, OutcomeKind.FAILED, OutcomeKind.LOST})


@dataclass(frozen=True, slots=True)
class RetryPause:
    """A pause after which these workers may retry tasks that they failed.

    Call `retry_due` after `seconds`.
    """

    task_type: str
    workers: tuple[str, ...]
    seconds: float


class JobRun:
    """State and rules of one run.

    `workflows.domain.job.requests` adds the changes by users, `workflows.domain.job.unanswered` the
    offers that no host answered.
    """

    def __init__(self, snapshot: JobSnapshot) -> None:
        self.job_id = snapshot.job_id
        self.run = snapshot.run
        self.status = snapshot.status
        self.priority = snapshot.priority
        self.limits = snapshot.limits
        self.sequence = snapshot.sequence
        self.demand = Demand(snapshot.demand_version)
        self.tasks = TaskBook(decode(snapshot.tasks))
        self.task_names = TaskNames(snapshot.task_names)
        self.failures = FailureBook(self.tasks, snapshot.limits, set(snapshot.blocked))
        self.leases = LeaseBook()
        self.changes = Changes()
        self.starts: list[Start] = []
        self.cancels: list[int] = []
        """Numbers of the offers whose activities are to be canceled."""
        self.withdrawals: list[Start] = []
        """Activities that ask hosts to withdraw runs; tell `withdrawal_answered` the answers."""
        self.decks = Decks(
            self.tasks,
            self.leases,
            self.failures,
            self.limits,
            self.starts,
            self.withdrawals,
        )
        self.pauses: list[RetryPause] = []
        self.is_finished = False
        """Whether the final write has been taken; the workflow ends after it."""
        self.generations: dict[str, int] = {}
        """The newest lease generation per `worker/slot`; older leases are returned."""
        self.answered: dict[str, str] = {}
        """Answers by request id: the refusal, or an empty text for a granted request."""
        self._retrying: set[tuple[str, tuple[str, ...]]] = set()
        self._has_failed = False
        """Whether a task has failed for good since the job was last settled."""
        self._told = snapshot.told

    def begin(self) -> None:
        """Requeue the tasks that an older run left active, since no worker runs them now.

        Call it once, after a claim.
        """
        for index in self.tasks.in_status({TaskStatus.ACTIVE}):
            self._requeue_unblamed(index, "a new run of its job began")
        self.settle()
        if self.demand == self._told:
            self.changes.forget_demand()

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
        is_ours = (lease.job_id, lease.run) == (self.job_id, self.run)
        if not is_ours or lease.generation <= self.generations.get(slot, 0):
            self._return(lease, "it came too late")
            return
        for older in self.leases.of_slot(lease.worker_id, lease.slot):
            self.drop(older, "the worker was lent anew")
        self.generations[slot] = lease.generation
        self.changes.held.append(lease.id)
        self.leases.add(Holding(lease))

    def recall(self, recalls: Sequence[Recall]) -> None:
        for recall in recalls:
            holding = self.leases.get(recall.lease_id)
            if holding is not None:
                holding.is_recalled = True
                if recall.at_once:
                    for run in holding.runs:
                        self._stop(holding, run)
        self.settle()

    def worker_gone(self, gone: WorkerGone) -> None:
        for holding in self.leases:
            lease = holding.lease
            if lease.worker_id == gone.worker_id and lease.session <= gone.session:
                self.drop(holding, gone.reason or "the worker is gone")
        self.settle()

    def session_changed(self, changed: SessionChanged) -> None:
        live = set(changed.live)
        for holding in self.leases:
            lease = holding.lease
            if lease.worker_id != changed.worker_id or lease.session >= changed.session:
                continue
            gone = [run for run in holding.runs if str(holding.key_of(run)) not in live]
            because = "the worker's host started anew without it"
            if len(gone) == len(holding.runs):
                self.drop(holding, because)
                continue
            for run in gone:
                if run is holding.deck and not run.is_voided and not run.is_reoffered:
                    self._never_began(holding, run)
                else:
                    self._give_up(holding, run, because)
            self._move_to_session(holding, changed.session)
        self.settle()

    def _never_began(self, holding: Holding, run: GivenRun) -> None:
        """Take back a run on deck that ended with its host's process: one that begins is on disk.

        Its host is not told to stop it, since that would keep the same attempt from beginning.
        """
        self.cancels.append(run.offer)
        self.leases.end(holding, run)
        self.tasks.release(run.index)

    def _move_to_session(self, holding: Holding, session: int) -> None:
        self.leases.move_session(holding, session)
        self.changes.moved.append((holding.lease.id, session))
        for run in holding.runs:
            run.not_taken = 0
            # The host has a new queue: it does not get what was asked on the old one.
            self._offer_afresh(holding, run)

    def offer_again(self, holding: Holding, run: GivenRun) -> None:
        """Ask the host for the same attempt once more."""
        # The earlier activity is not canceled even if it is still open: its host would take that as
        # an order to stop the very run that is asked for again.
        self.starts.append(self.leases.offer_again(holding, run))

    def offer_everything_again(self) -> None:
        """Ask for every run once more.

        Call it after a continue-as-new, when the earlier activities cannot be reached any more.
        """
        for holding in self.leases:
            for run in holding.runs:
                self._offer_afresh(holding, run)
        self.decks.serve(is_schedulable=self.status in SCHEDULABLE)

    def _offer_afresh(self, holding: Holding, run: GivenRun) -> None:
        self.leases.forget_withdrawal(run)
        self.offer_again(holding, run)
        if run.is_voided:
            self.tell_stopped(holding, run)

    def drop(self, holding: Holding, reason: str, *, unresponsive: bool = False) -> None:
        """End a lease without waiting for its host."""
        for run in holding.runs:
            self._give_up(holding, run, reason)
        self.leases.remove(holding)
        self._return(holding.lease, reason, unresponsive=unresponsive)

    def _give_up(self, holding: Holding, run: GivenRun, reason: str) -> None:
        is_live = run is holding.live
        self._stop(holding, run)
        self.leases.end(holding, run)
        if not is_live:
            self._use_up(run)  # it may have begun there
        self.tasks.release(run.index)
        if is_live and not run.is_voided:
            self._requeue_unblamed(run.index, reason)

    def _stop(self, holding: Holding, run: GivenRun) -> None:
        """Order a run to stop; its outcome tells later that it has stopped."""
        self.cancels.append(run.offer)
        self.tell_stopped(holding, run)

    def tell_stopped(self, holding: Holding, run: GivenRun) -> None:
        """Tell the host on the fast channel to stop a run."""
        lease = holding.lease
        stopped = RunStopped(holding.key_of(run), lease.worker_id, lease.session)
        self.changes.stopped.append(stopped)

    def _return(self, lease: Lease, reason: str, *, unresponsive: bool = False) -> None:
        returned = LeaseReturned(lease.id, lease.worker_id, 0, reason, unresponsive)
        self.changes.returned.append(returned)

    # --- outcomes --------------------------------------------------------------------------------

    def offer_ended(self, offer: int, outcome: Outcome) -> None:
        """Take the outcome of an activity. Outcomes of replaced offers are ignored."""
        found = self.leases.of_offer(offer)
        if found is None:
            return
        holding, run = found
        outcome = replace(
            outcome, reason=outcome.reason[:LONGEST_REASON], warnings=clipped(outcome.warnings)
        )
        if outcome.kind is OutcomeKind.SUPERSEDED:
            # Another attachment replaced ours. Only this run of the job may attach, so ask again.
            self.offer_again(holding, run)
            return
        if run is holding.deck:
            self._deck_ended(holding, run, outcome)
        elif outcome.not_handed_out and not run.is_reoffered:
            # Of a run that was offered again, an earlier offer may have been handed out.
            self.tasks.columns.attempts[run.index - 1] -= 1
        self.leases.end(holding, run)
        self.tasks.release(run.index)
        if not run.is_voided:
            self._apply(run.index, holding.lease, outcome)
            self._note_warnings(run.index, outcome)
        self._note_time(outcome)
        is_unable = outcome.kind is OutcomeKind.FAILED and outcome.fault == Fault.MACHINE
        if is_unable or outcome.kind is OutcomeKind.REFUSED:
            holding.is_recalled = holding.is_unresponsive = True
            holding.end_reason = outcome.reason
        self.settle()

    def _deck_ended(self, holding: Holding, run: GivenRun, outcome: Outcome) -> None:
        """Note what the outcome of a run on deck says: that it has begun, or that it never will."""
        if outcome.kind in _HAS_RUN and not run.is_voided:
            # It has overtaken the outcome of the run before it.
            if self.tasks.may_run(run.index):
                self._note_start(holding, run)
                return
            run.is_voided = True
        never_began = outcome.kind in (OutcomeKind.WITHDRAWN, OutcomeKind.REFUSED)
        if not never_began or run.is_reoffered or run.is_voided:
            self._use_up(run)

    def _use_up(self, run: GivenRun) -> None:
        """Count the attempt of a run that was on deck: its number is not used again."""
        self.tasks.columns.attempts[run.index - 1] = run.attempt
        status = self.tasks.status(run.index)
        counted = TasksMoved(str(run.index), status, "", attempt=run.attempt, is_offer=True)
        self.changes.tasks.append(counted)

    def _note_time(self, outcome: Outcome) -> None:
        seconds = outcome.ran_s
        if outcome.kind is OutcomeKind.COMPLETED and seconds is not None and seconds >= 0:
            self.decks.run_times.add(seconds)

    def withdrawal_answered(self, number: int, outcome: Outcome) -> None:
        """Take a host's answer to the question for the run on its deck.

        A host that could not be asked keeps the run: it begins it, as if nobody had asked.
        """
        found = self.leases.of_withdrawal(number)
        if found is None:
            return
        holding, run = found
        self.leases.forget_withdrawal(run)
        if outcome.kind in (OutcomeKind.WITHDRAWN, OutcomeKind.CANCELED):
            self._deck_ended(holding, run, outcome)
            self.leases.end(holding, run)
            self.tasks.release(run.index)
        else:
            run.must_run = True
        self.settle()

    def _apply(self, index: int, lease: Lease, outcome: Outcome) -> None:
        worker_id = lease.worker_id
        match outcome.kind:
            case OutcomeKind.COMPLETED:
                self.failures.accidents.pop(index, None)
                self.failures.machines.pop(index, None)
                text = outcome.reason or "Completed"
                self.move_task(index, TaskStatus.COMPLETED, text, worker_id)
            case OutcomeKind.FAILED if outcome.fault == Fault.MACHINE:
                self._machine_failed(index, lease, outcome)
            case OutcomeKind.FAILED if outcome.fault == Fault.SCENE:
                reason = f"{outcome.reason} This fails alike everywhere, so it is not tried again."
                self._failed_by_itself(index, worker_id, reason, is_final=True)
            case OutcomeKind.FAILED if (
                outcome.fault == Fault.CHANCE and self.failures.is_accident_forgiven(index)
            ):
                self._requeue_unblamed(index, outcome.reason, worker_id)
            case OutcomeKind.FAILED:
                self._failed(index, worker_id, outcome.reason)
            case OutcomeKind.LOST if not self.failures.is_accident_forgiven(index):
                self._failed(index, worker_id, f"it broke off too often: {outcome.reason}")
            case _:
                self._requeue_unblamed(index, outcome.reason or str(outcome.kind))

    def _note_warnings(self, index: int, outcome: Outcome) -> None:
        """Add the warnings to the move of the task that the outcome caused."""
        if not outcome.warnings:
            return
        for place, move in reversed(list(enumerate(self.changes.tasks))):
            if move.indexes == str(index):
                self.changes.tasks[place] = replace(move, warnings=outcome.warnings)
                return

    def _requeue_unblamed(self, index: int, reason: str, worker_id: str | None = None) -> None:
        """Let the task wait again. With the worker, its host may drop the outcome that it keeps."""
        if self.tasks.status(index) is not TaskStatus.ACTIVE:
            return
        status = self.waiting_status(TaskStatus.QUEUED)
        self.move_task(index, status, f"Task was {status} by Manager because {reason}", worker_id)

    def _failed(self, index: int, worker_id: str, reason: str) -> None:
        is_final = self.failures.count_failure(index, worker_id)
        if self.failures.blocks_now(index, worker_id):
            self.changes.blocked = tuple(sorted(self.failures.blocked))
            for other in self.failures.given_back(worker_id):
                self.failures.failed_on.pop(other)
                waiting = self.waiting_status(TaskStatus.QUEUED)
                self.move_task(other, waiting, "Its last worker was blocklisted")
        self.tasks.has_grown = True  # other workers may run the task now
        if is_final:
            self.failures.failed_on[index] = worker_id
            self._has_failed = True
            self.move_task(index, TaskStatus.FAILED, f"Failed: {reason}", worker_id)
        else:
            status = self.waiting_status(TaskStatus.SOFT_FAILED)
            self.move_task(index, status, f"Failed: {reason}", worker_id)

    def _machine_failed(self, index: int, lease: Lease, outcome: Outcome) -> None:
        """Give the task to others, unless it seems to be the cause of the machine's fault."""
        worker_id, may_be_tasks = lease.worker_id, outcome.may_be_tasks
        if self.failures.is_machines_fault(index, worker_id, may_be_tasks=may_be_tasks):
            because = f'of a fault of worker "{lease.worker_name}": {outcome.reason}'
            self._requeue_unblamed(index, because, worker_id)
            return
        is_final = self.failures.has_failed_everywhere(index)
        where = f"{len(self.failures.machines[index])} machines" if is_final else "too often"
        self._failed_by_itself(
            index, worker_id, f"{outcome.reason} This happened on {where}.", is_final=is_final
        )

    def _failed_by_itself(self, index: int, worker_id: str, reason: str, *, is_final: bool) -> None:
        """Count a failure of the task for which its worker is not blamed."""
        is_final = self.failures.count_failure_of_task(index) or is_final
        self._has_failed = self._has_failed or is_final
        status = TaskStatus.FAILED if is_final else self.waiting_status(TaskStatus.SOFT_FAILED)
        self.move_task(index, status, f"Failed: {reason}"[:LONGEST_REASON], worker_id)

    def waiting_status(self, status: TaskStatus) -> TaskStatus:
        """Return the status of a task that waits: `paused` in a paused job, else the given one.

        The task's failures still count either way.
        """
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
                self.unblock((worker, census.task_type) for worker in census.allow_retry)
                self.pauses.append(RetryPause(*key, self.limits.retry_pause_s))
        self.settle()

    def unblock(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Take (worker, task type) pairs off the blocklist."""
        if self.failures.unblock(pairs):
            self.changes.blocked = tuple(sorted(self.failures.blocked))
            self.tasks.has_grown = True  # other workers may run the tasks now

    def retry_due(self, pause: RetryPause) -> None:
        self._retrying.discard((pause.task_type, pause.workers))
        self.tasks.allow_retry(pause.task_type, pause.workers)
        self.settle()

    # --- moving ----------------------------------------------------------------------------------

    def move_task(
        self,
        index: int,
        status: TaskStatus,
        text: str,
        worker: str | None = None,
        *,
        is_offer: bool = False,
        renders_again: bool = False,
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
                is_offer=is_offer,
                renders_again=renders_again,
            )
        )

    def move_tasks(
        self,
        indexes: Sequence[int],
        status: TaskStatus,
        reason: str,
        *,
        are_voided: bool = True,
        are_forgiven: bool = False,
        renders_again: bool = False,
    ) -> None:
        """Move tasks because their job moved.

        Args:
            indexes: ascending.
            are_voided: runs of these tasks are stopped, and their outcomes ignored.
            are_forgiven: their failures have been cleared.
            renders_again: frames that they have written do not count any more.
        """
        for index in indexes:
            if are_voided:
                self.void(index)
            self.tasks.move(index, status)
        text = f"Task was {status} by Manager because {reason}"
        self.changes.tasks_moved(
            indexes, status, text, are_forgiven=are_forgiven, renders_again=renders_again
        )

    def void(self, index: int) -> None:
        """Order the task's run to stop, and ignore its outcome."""
        if (found := self.leases.of_task(index)) is None:
            return
        holding, run = found
        if not run.is_voided:
            run.is_voided = True
            self._stop(holding, run)

    def move_job(self, status: JobStatus, reason: str) -> None:
        previous, self.status = self.status, status
        text = f'Changed to status "{status}": {reason}'
        refresh = status in REFRESHES_TASKS
        self.changes.status_moved(previous, status, text, refresh)
        follow = TASKS_FOLLOW.get(status)
        if follow is not None:
            because = f'the job changed to status "{status}": {reason}'
            # What has begun on a host goes on in a pausing job, as an active task does.
            are_voided = follow.to is not TaskStatus.PAUSED
            indexes = self.tasks.in_status(follow.from_any)
            self.move_tasks(indexes, follow.to, because, are_voided=are_voided)

    def settle(self) -> None:
        """Make every change that follows from the last one."""
        # One change can entail the next, so repeat until none does.
        while True:
            can_progress = self.tasks.can_progress
            entailed = next_job_status(
                self.status,
                self.tasks.counts,
                can_progress=can_progress,
                has_failed=self._has_failed,
                may_begin=self.decks.may_begin,
            )
            if entailed is None:
                break
            self.move_job(*entailed)
        self._has_failed = False
        # Compute the version first: a worker that is returned below is of no use to the demand that
        # is published below.
        version = self.demand.version + (1 if self.tasks.has_grown else 0)
        self._serve_leases(version)
        self._publish_demand(version)
        is_over = self.status in ENDED and not len(self.leases)
        self.changes.is_final = is_over and not self.is_finished

    def _serve_leases(self, demand_version: int) -> None:
        is_schedulable = self.status in SCHEDULABLE
        waiting = 0
        for holding in self.leases:
            if holding.live is None and holding.deck is not None:
                run = self.decks.moves_up(holding, is_schedulable=is_schedulable)
                if run is not None:
                    self._has_moved_up(holding, run)
            if not holding.is_idle or self._start_next(holding):
                continue
            may_wait = is_schedulable and not holding.is_recalled
            if may_wait and self.decks.serves_from_another(holding, waiting + 1):
                waiting += 1
            else:
                self._hand_back(holding, demand_version)
        self.decks.serve(is_schedulable=self.status in SCHEDULABLE)

    def _has_moved_up(self, holding: Holding, run: GivenRun) -> None:
        if not run.is_voided and self.tasks.may_run(run.index):
            self._note_start(holding, run)
        else:
            # It began although its task was canceled, or waits for another one that runs again.
            self.void(run.index)
            self._use_up(run)

    def _hand_back(self, holding: Holding, demand_version: int) -> None:
        self.leases.remove(holding)
        if holding.is_unresponsive:
            self._return(holding.lease, holding.end_reason, unresponsive=True)
            return
        lease, is_recalled = holding.lease, holding.is_recalled
        reason = "it was recalled" if is_recalled else "nothing to do for it"
        useless_to = 0 if is_recalled else demand_version
        self.changes.returned.append(LeaseReturned(lease.id, lease.worker_id, useless_to, reason))

    def _start_next(self, holding: Holding) -> bool:
        """Give a lent worker its next task; return whether there was one."""
        if holding.is_recalled or self.status not in SCHEDULABLE:
            return False
        if self.leases.live_count >= self.limits.max_live:
            return False
        types = self.failures.allowed_types(holding.lease)
        index = self.tasks.choose(types, holding.lease.worker_id)
        if index is None:
            return False
        start = self.leases.give(holding, index, self.tasks.attempt(index) + 1)
        if holding.live is not None:
            self._note_start(holding, holding.live)
        self.tasks.hold(index)
        self.starts.append(start)
        return True

    def _note_start(self, holding: Holding, run: GivenRun) -> None:
        """Make the task of a run that begins active."""
        self.tasks.columns.attempts[run.index - 1] = run.attempt
        lease = holding.lease
        self.move_task(
            run.index,
            TaskStatus.ACTIVE,
            "Started",
            worker=lease.worker_id,
            is_offer=lease.is_http,
        )
        if self.status is JobStatus.QUEUED:
            self.move_job(JobStatus.ACTIVE, "a task was started")

    def _publish_demand(self, version: int) -> None:
        self.tasks.has_grown = False
        wants: tuple[Want, ...] = ()
        if self.status in SCHEDULABLE:
            wants = self.tasks.wants(self.failures.blocked, self.decks.wanted())
        demand = Demand(version, wants)
        if demand != self.demand:
            self.changes.has_demand_grown |= version > self.demand.version
            self.demand = demand
            self.changes.demand = demand

    # --- writes ----------------------------------------------------------------------------------

    def next_write(self) -> ProjectionWrite:
        """Return the changes since the last write. Only one write may be under way at a time."""
        self.sequence += 1
        write = self.changes.take(self.job_id, self.run, self.sequence)
        self.is_finished = self.is_finished or write.is_final
        return write

    def tell_again(self) -> None:
        """Add a write for a database that was restored to an older state.

        The write's number does not follow the database's last one, so it asks for everything.
        """
        self.changes.demand = self.demand

    def whole(self, write: ProjectionWrite) -> ProjectionWrite:
        """Return the same write with the run's whole state, for a database that missed writes."""
        return replace(
            write,
            snapshot=encode(self.tasks.columns),
            all_held=tuple(holding.lease.id for holding in self.leases),
            status=self.status,
            priority=self.priority,
            blocked=tuple(sorted(self.failures.blocked)),
            demand=self.demand,
        )
