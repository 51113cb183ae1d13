"""What Flamenco's statuses mean for a farm whose workers are not here yet.

Nothing may start by itself while the old farm may still be running: what had not ended is paused,
and is requeued by whoever has switched the workers over.
"""

from workflows.domain.statuses import ENDED, RUNNABLE, JobStatus, TaskStatus, WorkerStatus

#: Statuses that Flamenco passes through on its way to these.
_ON_THE_WAY = {"cancel-requested": JobStatus.CANCELED}
_UNFINISHED = RUNNABLE | {TaskStatus.PAUSED}


def job_status_of(word: str) -> JobStatus:
    """Ended jobs stay as they are, all others are paused; so is a status that nobody knows."""
    ended = {str(status): status for status in ENDED}
    return ended.get(word) or _ON_THE_WAY.get(word, JobStatus.PAUSED)


def task_status_of(word: str, job: JobStatus) -> TaskStatus:
    """What can still run waits with its job, or was canceled with it."""
    status = TaskStatus(word) if word in set(TaskStatus) else TaskStatus.QUEUED
    if status not in _UNFINISHED:
        return status
    return TaskStatus.CANCELED if job in ENDED else TaskStatus.PAUSED


def worker_status_of(word: str) -> tuple[WorkerStatus, WorkerStatus | None]:
    """Its status, and what it is asked to become when it signs on.

    None of them is connected here. One that slept goes on sleeping when it comes.
    """
    if word == "":
        return WorkerStatus.UNREGISTERED, None
    return WorkerStatus.OFFLINE, WorkerStatus.ASLEEP if word == "asleep" else None
