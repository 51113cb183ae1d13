"""What becomes of a worker's status, and of the farm's.

Source: Flamenco 3.9 for requests, sign-on and sign-off and for the farm's status; being lost is
our own rule (docs/protocol.md, rule 10). That leaving `awake` frees its tasks is for the caller.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from workflows.domain.statuses import SCHEDULABLE, FarmStatus, JobStatus, WorkerStatus

_GONE = frozenset({WorkerStatus.OFFLINE, WorkerStatus.ERROR})
_ENDING = frozenset({WorkerStatus.OFFLINE, WorkerStatus.RESTART})
_RESUMABLE = frozenset({WorkerStatus.AWAKE, WorkerStatus.ASLEEP})
#: What a worker may be asked to be, and may report over HTTP. The empty word is only shown: of a
#: worker that never signed on.
NAMED = frozenset(WorkerStatus) - {WorkerStatus.UNREGISTERED}
#: What a host may report of itself on the control channel.
REPORTED_BY_HOSTS = frozenset(
    {WorkerStatus.AWAKE, WorkerStatus.ASLEEP, WorkerStatus.OFFLINE, WorkerStatus.RESTART}
)


@dataclass(frozen=True, slots=True)
class StatusRequest:
    """What a worker shall become: at once, or (`is_lazy`) after its current task."""

    status: WorkerStatus
    is_lazy: bool = False


class CannotRestart(Exception):
    """Nobody would start this worker again."""

    def __init__(self) -> None:
        super().__init__(
            "This worker cannot be restarted: it has no restart exit code configured, "
            "so nothing would start it again."
        )


def request_status(
    current: WorkerStatus, wanted: WorkerStatus, *, is_lazy: bool, can_restart: bool
) -> StatusRequest | None:
    """The request that is pending from now on, whatever was pending before.

    None if the worker is what it shall be: asking for the current status takes a request back.

    Raises:
        CannotRestart: see there.
    """
    if wanted is WorkerStatus.RESTART and not can_restart:
        raise CannotRestart
    return None if wanted is current else StatusRequest(wanted, is_lazy)


def pending_after_report(
    reported: WorkerStatus, pending: StatusRequest | None
) -> StatusRequest | None:
    """A request stays until the worker reports exactly what was asked for."""
    return None if pending is None or pending.status is reported else pending


def status_after_sign_on(
    pending: StatusRequest | None, scheduled: WorkerStatus | None = None
) -> WorkerStatus:
    """What a worker that signs on is told to become; until it reports that, it is `starting`.

    Args:
        pending: a lazy one counts at once, since there is no current task.
        scheduled: what its sleep schedule says now; None without a schedule.
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
    """What a host that says hello is told to be: what it is, unless it is asked for another status.

    Args:
        known: its status as it is stored; one that slept when it was last heard of sleeps on.
        reported: its status as it says; empty if its process has just begun.
        scheduled: what its sleep schedule says now; it counts for a process that has just begun.
    """
    if WorkerStatus.ASLEEP in (known, reported):
        scheduled = WorkerStatus.ASLEEP
    elif reported:
        scheduled = None
    return status_after_sign_on(pending, scheduled)


def pending_after_sign_off(
    previous: WorkerStatus, pending: StatusRequest | None
) -> StatusRequest | None:
    """What a worker that is now offline resumes at its next sign-on.

    Args:
        previous: its status before it signed off.
        pending: a request to end is fulfilled with that.
    """
    if pending is not None and pending.status not in _ENDING:
        return pending
    return StatusRequest(previous) if previous in _RESUMABLE else None


def can_be_lost(status: WorkerStatus) -> bool:
    """Whether a worker that is missed becomes `error`: not if it is known to be gone already."""
    return status not in _GONE


def is_lost(
    last_beat: float | None, now: float, *, listening_since: float, lost_after_s: float
) -> bool:
    """Whether a worker has been silent for too long.

    Nobody is missed during the first `lost_after_s` of listening, so that a manager's restart
    loses no worker: hosts need that time to find it again.

    Args:
        last_beat: None if this manager has not heard of it.
        now: like the other points in time in seconds on one clock, of any origin.
        listening_since: when this manager began to hear beats.
        lost_after_s: how long a silence is still accepted.
    """
    missed_from = listening_since + lost_after_s
    silent_since = missed_from if last_beat is None else max(last_beat, missed_from)
    return now - silent_since > lost_after_s


def farm_status(
    job_statuses: Iterable[JobStatus], worker_statuses: Iterable[WorkerStatus]
) -> FarmStatus:
    """The farm in one word. Deleted workers do not count; never signed-on ones do."""
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
