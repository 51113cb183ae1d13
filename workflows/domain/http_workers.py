"""Rules for workers that speak Flamenco's own protocol (HTTP workers).

Source: Flamenco 3.9, except where docs/differences-from-flamenco.md says otherwise. Such a worker
knows no sessions, generations or run keys: the manager keeps them for it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from workflows.domain.blender_warnings import BlenderWarnings
from workflows.domain.fault_rules import Fault, Rule
from workflows.domain.faults import Cause, CauseFinder
from workflows.domain.messages import LONGEST_REASON, Outcome, OutcomeKind
from workflows.domain.render_warnings import WarningBook, clipped
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.worker import StatusRequest

_FAILED_PREFIX = "Failed: "
#: How a stock worker begins the lines that a program has printed.
_OUTPUT = re.compile(rb"^pid=\d+ > ?")
#: With these causes Blender has rendered nothing, or another scene, and yet ends with 0.
_ENDS_WELL = frozenset({"no-scene", "nothing-to-render"})
_NOBODYS = timedelta(0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence of a worker, or about a task, is accepted; zero accepts it for ever."""

    worker: timedelta = timedelta(minutes=1)
    task: timedelta = timedelta(minutes=10)

    @property
    def has_end(self) -> bool:
        """Whether silence ever counts. As in Flamenco, no worker is missed if `task` is zero."""
        return self.task > _NOBODYS and self.worker > _NOBODYS


def is_silent(
    last_heard: datetime | None, now: datetime, patience: timedelta, *, listening_since: datetime
) -> bool:
    """Return whether a worker has been silent for too long, in general or about a task.

    Args:
        last_heard: when the worker was last heard; None if never.
        patience: how long silence is accepted; zero accepts it for ever.
        listening_since: when this manager started; earlier silence does not count.
    """
    if patience <= _NOBODYS:
        return False
    return now - max(last_heard or listening_since, listening_since) > patience


def status_to_become(pending: StatusRequest | None) -> WorkerStatus | None:
    """Return the status for a worker that asks for a task or its state; None for no change.

    A lazy request counts at once, since such a worker runs no task.
    """
    return None if pending is None else pending.status


#: How often a run is handed out to its worker: once, and again if the first answer was lost.
MOST_HAND_OUTS = 2


def outcome_of_asking_again(handed_out: int) -> Outcome | None:
    """Return the outcome of a run whose worker asks for a task but has not reported on the run.

    Args:
        handed_out: how often the worker was given the run.

    Returns:
        None if the run is handed out once more.
    """
    if handed_out < MOST_HAND_OUTS:
        return None
    reason = f"its worker was given it {handed_out} times and asked for a task again each time"
    return Outcome(OutcomeKind.FAILED, reason)


# --- may-i-run ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """A task's state, for the worker that asks whether it may run the task."""

    is_its_own: bool
    """Whether no other worker was given the task since."""
    status: TaskStatus
    is_running: bool
    """Whether the worker has an open run of the task."""
    stop_reason: str = ""
    """Why the open run has to stop; empty if it may go on."""


@dataclass(frozen=True, slots=True)
class Permission:
    is_granted: bool
    reason: str = ""
    is_for_status: bool = False
    """Whether it is refused because the worker shall change its status."""


def may_keep_running(pending: StatusRequest | None, task: TaskStanding | None) -> Permission:
    """Return whether a worker may go on with a task; `task` is None if it does not exist."""
    if task is None:
        return Permission(False, "Task not found")
    if pending is not None and not pending.is_lazy:
        return Permission(False, "worker status change requested", is_for_status=True)
    if task.is_running and not task.stop_reason:
        # The run decides, because the task's status in the database may lag behind.
        return Permission(True)
    if not task.is_its_own:
        return Permission(False, "task not assigned to this worker")
    if task.status is not TaskStatus.ACTIVE:
        return Permission(False, f'task is in non-runnable status "{task.status}"')
    return Permission(False, task.stop_reason or "task not assigned to this worker")


# --- task updates ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of a run beside its worker's report: stock workers report an exit code only."""

    output: Sequence[bytes] = ()
    """The lines of its programs, as the worker has sent them for the log."""
    own_rules: Sequence[Rule] = ()
    """The farm's own rules for causes of failures."""
    is_preview: bool = False
    """Whether the task makes a preview video, whose failure is a warning."""
    fails_on_warnings: bool = False

    @property
    def lines(self) -> list[bytes]:
        return [_OUTPUT.sub(b"", line.rstrip(b"\r\n")) for line in self.output]

    def cause(self, failure: str) -> Cause | None:
        """Return the cause of a failure by the rules that hosts use."""
        finder = CauseFinder(self.own_rules)
        finder.lines(self.lines)
        finder.text(failure)
        return finder.cause

    def warnings(self) -> WarningBook:
        """Return the warnings that hosts would find, too."""
        book = WarningBook()
        warnings = BlenderWarnings(book)
        for line in self.lines:
            warnings.line(line)
        return book


def outcome_reported(
    status: TaskStatus, activity: str, stop_reason: str, heard: Heard | None = None
) -> Outcome | None:
    """Return the outcome of a run after a worker's report; None if the run goes on.

    Args:
        activity: the line of text in the report.
        stop_reason: why the run had to stop; empty if it did not have to.
    """
    heard = heard or Heard()
    reason = activity[:LONGEST_REASON]
    match status:
        case TaskStatus.COMPLETED:
            return _completed(reason, heard)
        case TaskStatus.FAILED:
            # The farm itself puts this prefix before the reason.
            failure = reason.removeprefix(_FAILED_PREFIX)
            return _failed(failure or "its worker gave no reason", heard)
        case TaskStatus.CANCELED:
            return Outcome(OutcomeKind.CANCELED, stop_reason or reason)
        case TaskStatus.QUEUED:
            # The worker gives the task back. `REFUSED` keeps it from getting it again at once.
            return Outcome(OutcomeKind.REFUSED, reason or "its worker gave it back")
    return None


def _completed(reason: str, heard: Heard) -> Outcome:
    cause = heard.cause("")
    if cause is not None and cause.rule.name in _ENDS_WELL:
        return _failed(cause.words, heard)
    warnings = heard.warnings()
    told = clipped(warnings.all())
    if heard.fails_on_warnings and warnings.failing:
        failure = f"{warnings.failing} (in this job, a warning is a failure)."
        return replace(_failed(failure, replace(heard, output=())), warnings=told)
    return Outcome(OutcomeKind.COMPLETED, reason, warnings=told)


def _failed(failure: str, heard: Heard) -> Outcome:
    cause = heard.cause(failure)
    reason = (failure if cause is None else cause.reason(failure))[:LONGEST_REASON]
    warnings = heard.warnings()
    if heard.is_preview:
        # On any machine: what would tell that this one is mended is not there.
        warnings.add(f"there is no preview video: {reason}", is_of_preview=True)
        text = "Completed without a preview video"
        return Outcome(OutcomeKind.COMPLETED, text, warnings=clipped(warnings.all()))
    outcome = Outcome(OutcomeKind.FAILED, reason, warnings=clipped(warnings.all()))
    if cause is None or cause.rule.fault is Fault.MACHINE:
        # A fault of its machine is a failure, so that the worker is blocked: it is never set aside.
        return outcome
    return replace(outcome, fault=cause.rule.fault, rule=cause.rule.name)


# --- a worker that is heard again -----------------------------------------------------------------


def status_when_it_polls(status: WorkerStatus) -> WorkerStatus:
    """Return the status of a worker that asks for a task.

    A worker in `error` that asks for tasks is awake after all. So is a worker in `starting`: it
    reports only once that it is awake, and that report was lost.
    """
    return WorkerStatus.AWAKE if status in (WorkerStatus.ERROR, WorkerStatus.STARTING) else status


def status_when_it_asks_for_its_state(status: WorkerStatus, *, is_requested: bool) -> WorkerStatus:
    """Return the status of a worker that asks for its state; workers do so only while they sleep.

    A worker reports only once that it sleeps. If the report was lost, or the database was restored
    to an older state, the worker would count as awake and would never be woken.

    Args:
        is_requested: whether a status is requested of the worker. The answer to the worker then
            requests it.
    """
    if status is WorkerStatus.ERROR:
        return WorkerStatus.ASLEEP
    is_believed_awake = status in (WorkerStatus.STARTING, WorkerStatus.AWAKE)
    return WorkerStatus.ASLEEP if is_believed_awake and not is_requested else status
