"""How a job's status follows its tasks' statuses and the reverse, and which actions are allowed.

Source: Flamenco 3.9, except where docs/differences-from-flamenco.md says otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import RUNNABLE, WAITING, JobStatus, TaskStatus

#: A job fails when at least this share of its tasks, in percent, has failed.
FAIL_JOB_PERCENT = 10

_UNFINISHED = frozenset({JobAction.CANCEL, JobAction.PAUSE, JobAction.REQUEUE_FAILED})
JOB_ACTIONS: Mapping[JobStatus, frozenset[JobAction]] = {
    JobStatus.QUEUED: _UNFINISHED,
    JobStatus.ACTIVE: _UNFINISHED,
    JobStatus.PAUSE_REQUESTED: frozenset({JobAction.CANCEL, JobAction.RESUME}),
    JobStatus.PAUSED: frozenset({JobAction.CANCEL, JobAction.RESUME, JobAction.REQUEUE}),
    JobStatus.CANCELED: frozenset({JobAction.REQUEUE}),
    JobStatus.COMPLETED: frozenset({JobAction.REQUEUE}),
    JobStatus.FAILED: frozenset({JobAction.CANCEL, JobAction.REQUEUE, JobAction.REQUEUE_FAILED}),
    JobStatus.CANCEL_REQUESTED: frozenset(),
    JobStatus.REQUEUEING: frozenset(),
    JobStatus.UNDER_CONSTRUCTION: frozenset(),
}

_CANCEL = frozenset({TaskAction.CANCEL})
_REQUEUE = frozenset({TaskAction.REQUEUE})
TASK_ACTIONS: Mapping[TaskStatus, frozenset[TaskAction]] = {
    TaskStatus.QUEUED: _CANCEL,
    TaskStatus.ACTIVE: _CANCEL,
    TaskStatus.SOFT_FAILED: _CANCEL,
    TaskStatus.PAUSED: _CANCEL,
    TaskStatus.CANCELED: _REQUEUE,
    TaskStatus.COMPLETED: _REQUEUE,
    TaskStatus.FAILED: _REQUEUE,
}


class Refused(Exception):
    """The change does not fit the present status; the text says why."""


def check_job_action(status: JobStatus, action: JobAction) -> None:
    """Check that a job with this status can take the action.

    Raises:
        Refused: the action is not in the architecture's table.
    """
    if action not in JOB_ACTIONS[status]:
        raise Refused(f'a job that is "{status}" cannot take the action "{action}"')


def check_task_action(status: TaskStatus, action: TaskAction) -> None:
    """Check that a task with this status can take the action.

    Raises:
        Refused: the action is not in the architecture's table.
    """
    if action not in TASK_ACTIONS[status]:
        raise Refused(f'a task that is "{status}" cannot take the action "{action}"')


def check_job_stays(*, is_being_deleted: bool, is_archived: bool) -> None:
    """Check that a job can still be changed.

    Raises:
        Refused: the job is archived, or its deletion was asked for.
    """
    if is_being_deleted:
        raise Refused("the job is being deleted")
    if is_archived:
        raise Refused("the job is archived")


#: Statuses in which a job's deletion can be asked for; an unfinished job is canceled first.
DELETABLE = frozenset(
    {
        JobStatus.QUEUED,
        JobStatus.ACTIVE,
        JobStatus.PAUSED,
        JobStatus.CANCELED,
        JobStatus.COMPLETED,
        JobStatus.FAILED,
    }
)


def check_job_deletion(status: JobStatus) -> None:
    """Check that a job with this status can be deleted.

    Raises:
        Refused: the status is not in `DELETABLE`.
    """
    if status not in DELETABLE:
        raise Refused(f'a job that is "{status}" cannot be deleted; wait until it has settled')


#: Statuses in which a job can be archived; a paused job is canceled first.
ARCHIVABLE = frozenset(
    {JobStatus.PAUSED, JobStatus.CANCELED, JobStatus.COMPLETED, JobStatus.FAILED}
)


def check_job_archiving(status: JobStatus, *, is_being_deleted: bool, is_archived: bool) -> None:
    """Check that a job can be archived; one that is archived already passes.

    Raises:
        Refused: the status is not in `ARCHIVABLE`, or the job's deletion was asked for.
    """
    check_job_stays(is_being_deleted=is_being_deleted, is_archived=False)
    if not is_archived and status not in ARCHIVABLE:
        raise Refused(f'a job that is "{status}" cannot be archived; only one that is at rest')


@dataclass(frozen=True, slots=True)
class TasksFollow:
    """When a job enters a status, its tasks in any status of `from_any` move to `to`."""

    from_any: frozenset[TaskStatus]
    to: TaskStatus


TASKS_FOLLOW: Mapping[JobStatus, TasksFollow] = {
    JobStatus.CANCEL_REQUESTED: TasksFollow(RUNNABLE | {TaskStatus.PAUSED}, TaskStatus.CANCELED),
    # Paused tasks, too: the job may have been pausing, and no task waits in a job that has ended.
    JobStatus.FAILED: TasksFollow(RUNNABLE | {TaskStatus.PAUSED}, TaskStatus.CANCELED),
    # Active tasks run on: pausing must never throw away a half-rendered frame.
    JobStatus.PAUSE_REQUESTED: TasksFollow(WAITING, TaskStatus.PAUSED),
}

#: Tasks in these statuses run again when their job is requeued; a completed job runs all its tasks.
REQUEUED = frozenset(
    {TaskStatus.CANCELED, TaskStatus.FAILED, TaskStatus.PAUSED, TaskStatus.SOFT_FAILED}
)

#: Entering these statuses changes many tasks at once, so clients fetch the task list again.
REFRESHES_TASKS = frozenset(
    {
        JobStatus.QUEUED,
        JobStatus.CANCEL_REQUESTED,
        JobStatus.FAILED,
        JobStatus.PAUSE_REQUESTED,
        JobStatus.REQUEUEING,
    }
)


def next_job_status(
    status: JobStatus,
    counts: Mapping[TaskStatus, int],
    *,
    can_progress: bool,
    has_failed: bool,
    may_begin: bool = False,
) -> tuple[JobStatus, str] | None:
    """Return the status that a job moves to by itself, with the reason; None when it stays.

    Args:
        counts: number of tasks per status.
        can_progress: whether a waiting task can start, now or as soon as its old run has stopped.
        has_failed: whether a task has failed for good just now. The share of failed tasks is
            checked only then, so that a user can requeue one of several failed tasks.
        may_begin: whether a host has a task on deck, which it may have begun.
    """
    active = counts.get(TaskStatus.ACTIVE, 0)
    match status:
        case JobStatus.CANCEL_REQUESTED:
            return JobStatus.CANCELED, "its tasks were canceled"
        case JobStatus.REQUEUEING:
            return JobStatus.QUEUED, "its tasks were requeued"
        case JobStatus.QUEUED | JobStatus.ACTIVE | JobStatus.PAUSE_REQUESTED:
            if has_failed and _too_many_failed(counts):
                return JobStatus.FAILED, _failed_of_total(counts)
            if active or may_begin:
                return None
            if status is JobStatus.PAUSE_REQUESTED and counts.get(TaskStatus.PAUSED, 0):
                return JobStatus.PAUSED, "no task is active any more"
            return None if can_progress else _ended(counts)
    return None


def _too_many_failed(counts: Mapping[TaskStatus, int]) -> bool:
    failed, total = counts.get(TaskStatus.FAILED, 0), sum(counts.values())
    return failed > 0 and 100 * failed // total >= FAIL_JOB_PERCENT


def _failed_of_total(counts: Mapping[TaskStatus, int]) -> str:
    return f"{counts.get(TaskStatus.FAILED, 0)} of {sum(counts.values())} tasks failed"


def _ended(counts: Mapping[TaskStatus, int]) -> tuple[JobStatus, str]:
    total = sum(counts.values())
    if counts.get(TaskStatus.COMPLETED, 0) == total:
        return JobStatus.COMPLETED, "all tasks completed" if total else "it has no tasks"
    if counts.get(TaskStatus.FAILED, 0):
        return JobStatus.FAILED, f"nothing is left to run, {_failed_of_total(counts)}"
    # Tasks that wait for a canceled task are canceled, too, as if the job had been canceled.
    if any(counts.get(waiting, 0) for waiting in WAITING):
        return JobStatus.CANCEL_REQUESTED, "what is left waits for canceled tasks"
    return JobStatus.CANCELED, "nothing is left to run, and tasks were canceled"
