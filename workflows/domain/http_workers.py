"""What is said to a worker that speaks Flamenco's own protocol, and what it means.

Source: Flamenco 3.9, except where docs/differences-from-flamenco.md says otherwise. Such a worker
has no sessions, generations or run keys of its own: the manager keeps them for it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from workflows.domain.messages import LONGEST_REASON, Outcome, OutcomeKind
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.worker import StatusRequest

_FAILED_PREFIX = "Failed: "
_NOBODYS = timedelta(0)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long silence is borne; zero bears it for ever."""

    worker: timedelta = timedelta(minutes=1)
    task: timedelta = timedelta(minutes=10)

    @property
    def has_end(self) -> bool:
        """As in Flamenco, `task` of zero means that nobody is ever missed."""
        return self.task > _NOBODYS and self.worker > _NOBODYS


def is_silent(
    last_heard: datetime | None, now: datetime, patience: timedelta, *, listening_since: datetime
) -> bool:
    """Whether a worker, or what it says of a task, has been missing for too long.

    Args:
        last_heard: None if it never was.
        patience: zero bears everything.
        listening_since: when this manager started. Whoever could not be heard is not missed.
    """
    if patience <= _NOBODYS:
        return False
    return now - max(last_heard or listening_since, listening_since) > patience


def status_to_become(pending: StatusRequest | None) -> WorkerStatus | None:
    """What a worker is told to become when it asks for a task or for its state; None: nothing.

    A lazy request counts at once, since a worker that asks runs nothing.
    """
    return None if pending is None else pending.status


#: How often one try at a task is handed out to its worker: once, and again if the answer was lost.
MOST_HAND_OUTS = 2


def outcome_of_asking_again(handed_out: int) -> Outcome | None:
    """Return the outcome of a run whose worker asks for a task without having reported on the run.

    Args:
        handed_out: how often the worker was given the run.

    Returns:
        None: the run is handed out once more.
    """
    if handed_out < MOST_HAND_OUTS:
        return None
    reason = f"its worker was given it {handed_out} times and asked for a task again each time"
    return Outcome(OutcomeKind.FAILED, reason)


# --- may-i-run ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TaskStanding:
    """What there is to say of a task to the worker that asks about it."""

    is_its_own: bool
    """No other worker was given it since."""
    status: TaskStatus
    is_running: bool
    """The worker has an open run of it."""
    stop_reason: str = ""
    """Why that run is to stop."""


@dataclass(frozen=True, slots=True)
class Permission:
    is_granted: bool
    reason: str = ""
    is_for_status: bool = False
    """Refused since the worker is to change its status."""


def may_keep_running(pending: StatusRequest | None, task: TaskStanding | None) -> Permission:
    """Whether a worker may go on with a task; None: no such task."""
    if task is None:
        return Permission(False, "Task not found")
    if pending is not None and not pending.is_lazy:
        return Permission(False, "worker status change requested", is_for_status=True)
    if task.is_running and not task.stop_reason:
        # The run decides: what the database shows of its task may lag behind.
        return Permission(True)
    if not task.is_its_own:
        return Permission(False, "task not assigned to this worker")
    if task.status is not TaskStatus.ACTIVE:
        return Permission(False, f'task is in non-runnable status "{task.status}"')
    return Permission(False, task.stop_reason or "task not assigned to this worker")


# --- task updates ---------------------------------------------------------------------------------


def outcome_reported(status: TaskStatus, activity: str, stop_reason: str) -> Outcome | None:
    """What a worker's word about its task comes to; None: the run goes on.

    Args:
        activity: the line that came with it.
        stop_reason: why the run was to stop; empty if it was not.
    """
    reason = activity[:LONGEST_REASON]
    match status:
        case TaskStatus.COMPLETED:
            return Outcome(OutcomeKind.COMPLETED, reason)
        case TaskStatus.FAILED:
            # The farm says so itself in front of the reason.
            cause = reason.removeprefix(_FAILED_PREFIX)
            return Outcome(OutcomeKind.FAILED, cause or "its worker gave no reason")
        case TaskStatus.CANCELED:
            return Outcome(OutcomeKind.CANCELED, stop_reason or reason)
        case TaskStatus.QUEUED:
            # Given back: not to be handed to the same worker in the same breath.
            return Outcome(OutcomeKind.REFUSED, reason or "its worker gave it back")
    return None


# --- a worker that is heard of again --------------------------------------------------------------


def status_when_it_polls(status: WorkerStatus) -> WorkerStatus:
    """A worker that was given up and asks for tasks is awake after all.

    So is one that has signed on and whose word that it is awake did not arrive: it says it once.
    """
    return WorkerStatus.AWAKE if status in (WorkerStatus.ERROR, WorkerStatus.STARTING) else status


def status_when_it_asks_for_its_state(status: WorkerStatus, *, is_requested: bool) -> WorkerStatus:
    """Workers ask for their state while they sleep, and only then.

    A worker says once that it sleeps. If that did not arrive, or the database was put back since,
    it would count as awake and never be woken.

    Args:
        is_requested: it is to change its status. Then the answer brings about what it becomes.
    """
    if status is WorkerStatus.ERROR:
        return WorkerStatus.ASLEEP
    is_believed_awake = status in (WorkerStatus.STARTING, WorkerStatus.AWAKE)
    return WorkerStatus.ASLEEP if is_believed_awake and not is_requested else status
