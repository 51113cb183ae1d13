"""Translates Flamenco's statuses for a farm that has imported them without any workers yet.

Nothing may start by itself, since the old farm may still be running. So every job that has not
ended is paused. Users requeue these jobs after they have moved the workers.
"""

from workflows.domain.statuses import ENDED, RUNNABLE, JobStatus, TaskStatus, WorkerStatus

#: Statuses that Flamenco passes through, with the statuses that follow them.
_ON_THE_WAY = {"cancel-requested": JobStatus.CANCELED}
_UNFINISHED = RUNNABLE | {TaskStatus.PAUSED}


def job_status_of(word: str) -> JobStatus:
    """Return the job's status here: ended jobs keep theirs, and all others become `paused`."""
    ended = {str(status): status for status in ENDED}
    return ended.get(word) or _ON_THE_WAY.get(word, JobStatus.PAUSED)


def task_status_of(word: str, job: JobStatus) -> TaskStatus:
    """Return the task's status here; an unfinished task is paused or canceled like its job."""
    status = TaskStatus(word) if word in set(TaskStatus) else TaskStatus.QUEUED
    if status not in _UNFINISHED:
        return status
    return TaskStatus.CANCELED if job in ENDED else TaskStatus.PAUSED


def worker_status_of(word: str) -> tuple[WorkerStatus, WorkerStatus | None]:
    """Return the worker's status here, and the status that is requested for its next sign-on.

    No worker is connected here yet. A worker that was asleep stays asleep when it signs on.
    """
    if word == "":
        return WorkerStatus.UNREGISTERED, None
    return WorkerStatus.OFFLINE, WorkerStatus.ASLEEP if word == "asleep" else None
