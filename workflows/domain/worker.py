"""Rules for a worker's status and for the farm's.

Source: Flamenco 3.9 for requests, sign-on, sign-off and the farm's status; lost workers are our own
rule (docs/protocol.md, rule 10). When a worker leaves `awake`, the caller frees its tasks.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from workflows.domain.statuses import SCHEDULABLE, FarmStatus, JobStatus, WorkerStatus

_GONE = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})
_ENDING = frozenset({WorkerStatus.OFFLINE, WorkerStatus.RESTART})
_RESUMABLE = frozenset({WorkerStatus.AWAKE, WorkerStatus.ASLEEP})
#: Statuses that may be requested of a worker, and that it may report over HTTP. The empty word only
#: marks a worker that never signed on.
NAMED = frozenset(WorkerStatus) - {WorkerStatus.UNREGISTERED}
#: Statuses that a host may report on the control channel.
REPORTED_BY_HOSTS = frozenset(
    {WorkerStatus.AWAKE, WorkerStatus.ASLEEP, WorkerStatus.OFFLINE, WorkerStatus.RESTART}
)


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """A requested status, to be taken at once or (`is_lazy`) after the current task."""

    status: WorkerStatus
    is_lazy: bool = False


class CannotRestart(Exception):
    """The worker cannot be restarted, because nothing would start it again."""

    def __init__(self) -> None:
        super().__init__(
            "This worker cannot be restarted: it has no restart exit code configured, "
            "so nothing would start it again."
        )


def request_status(
    current: WorkerStatus, wanted: WorkerStatus, *, is_lazy: bool, can_restart: bool
) -> StatusRequest | None:
    """Return the request that is pending from now on, in place of any earlier one.

    None if the worker has the wanted status: asking for the current status cancels a request.

    Raises:
        CannotRestart: a restart is wanted, but the worker cannot restart.
    """
    if wanted is WorkerStatus.RESTART and not can_restart:
        raise CannotRestart
    return None if wanted is current else StatusRequest(wanted, is_lazy)


def pending_after_report(
    reported: WorkerStatus, pending: StatusRequest | None
) -> StatusRequest | None:
    """Return the request that is still pending after a report.

    A request stays pending until the worker reports exactly the requested status.
    """
    return None if pending is None or pending.status is reported else pending


def status_after_sign_on(
    pending: StatusRequest | None, scheduled: WorkerStatus | None = None
) -> WorkerStatus:
    """Return the status that a worker shall take after its sign-on.

    Until the worker reports that status, it is `starting`.

    Args:
        pending: a lazy request counts at once, since there is no current task.
        scheduled: the status by its sleep schedule; None without a schedule.
    """
    if pending is not None:
        return pending.status
    return scheduled or WorkerStatus.AWAKE


def status_after_hello(
    pending: StatusRequest | None,
    known: WorkerStatus,
    reported: str,
    scheduled: WorkerStatus | None = None,
) -> WorkerStatus:
    """Return the status that a host shall take after its hello.

    Without a request, the host keeps its status.

    Args:
        known: the stored status; a host that was asleep stays asleep.
        reported: the status that the host reports; empty if its process has just begun.
        scheduled: the status by its sleep schedule; it counts only if the process has just begun.
    """
    if WorkerStatus.ASLEEP in (known, reported):
        scheduled = WorkerStatus.ASLEEP
    elif reported:
        scheduled = None
    return status_after_sign_on(pending, scheduled)


def pending_after_sign_off(
    previous: WorkerStatus, pending: StatusRequest | None
) -> StatusRequest | None:
    """Return the request for the next sign-on of a worker that is now offline.

    Args:
        previous: its status before it signed off.
        pending: the sign-off fulfils a request to go offline or restart.
    """
    if pending is not None and pending.status not in _ENDING:
        return pending
    return StatusRequest(previous) if previous in _RESUMABLE else None


def can_be_lost(status: WorkerStatus) -> bool:
    """Return whether a silent worker becomes `error`; it does not if it is already gone."""
    return status not in _GONE


def is_lost(
    last_beat: float | None, now: float, *, listening_since: float, lost_after_s: float
) -> bool:
    """Return whether a worker has been silent for too long.

    The first `lost_after_s` of listening do not count as silence, so that no worker is lost by a
    manager's restart: hosts need that time to find the manager again.

    Args:
        last_beat: when the worker's last beat came; None if this manager has heard none.
        now: in seconds, like the other points in time, on one clock of any origin.
        listening_since: when this manager began to listen for beats.
        lost_after_s: how many seconds of silence are accepted.
    """
    missed_from = listening_since + lost_after_s
    silent_since = missed_from if last_beat is None else max(last_beat, missed_from)
    return now - silent_since > lost_after_s


def next_loss_s(
    last_beats: Iterable[float], now: float, *, listening_since: float, lost_after_s: float
) -> float:
    """Return in how many seconds the first of these workers is lost if it stays silent.

    It may be 0, as `is_lost` is about more than `lost_after_s`; it is infinite without workers. The
    other arguments are those of `is_lost`.
    """
    silent_since = min(last_beats, default=math.inf)
    missed_from = listening_since + lost_after_s
    return max(0.0, max(silent_since, missed_from) + lost_after_s - now)


def farm_status(
    job_statuses: Iterable[JobStatus], worker_statuses: Iterable[WorkerStatus]
) -> FarmStatus:
    """Return the farm's status. Deleted workers do not count; workers that never signed on do."""
    jobs, workers = frozenset(job_statuses), frozenset(worker_statuses)
    if workers <= _GONE:
        return FarmStatus.INOPERATIVE
    if JobStatus.ACTIVE in jobs and WorkerStatus.AWAKE in workers:
        return FarmStatus.ACTIVE
    if jobs & SCHEDULABLE:
        return FarmStatus.WAITING
    if WorkerStatus.ASLEEP in workers and WorkerStatus.AWAKE not in workers:
        return FarmStatus.ASLEEP
    return FarmStatus.IDLE
