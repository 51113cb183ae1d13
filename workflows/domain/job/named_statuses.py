"""Translates a status that a client asks for, as Flamenco's clients do, into an action."""

from collections.abc import Mapping

from workflows.domain.job.transitions import Refused
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import SCHEDULABLE, JobStatus, TaskStatus

_JOB_ACTIONS: Mapping[JobStatus, JobAction] = {
    JobStatus.CANCEL_REQUESTED: JobAction.CANCEL,
    JobStatus.PAUSE_REQUESTED: JobAction.PAUSE,
    JobStatus.REQUEUEING: JobAction.REQUEUE,
}
_TASK_ACTIONS: Mapping[TaskStatus, TaskAction] = {
    TaskStatus.CANCELED: TaskAction.CANCEL,
    TaskStatus.QUEUED: TaskAction.REQUEUE,
}
_PAUSING = frozenset({JobStatus.PAUSE_REQUESTED, JobStatus.PAUSED})


def job_action_for(present: JobStatus, named: JobStatus) -> JobAction | None:
    """Return the action that leads to the named status; None if the job has it already.

    Raises:
        Refused: no action leads to that status.
    """
    if named is present:
        return None
    if named in SCHEDULABLE and present in _PAUSING:
        return JobAction.RESUME
    if named not in _JOB_ACTIONS:
        raise Refused(f'a job that is "{present}" cannot be set to "{named}"')
    return _JOB_ACTIONS[named]


def task_action_for(present: TaskStatus, named: TaskStatus) -> TaskAction | None:
    """Return the action that leads to the named status; None if the task has it already.

    Raises:
        Refused: no action leads to that status.
    """
    if named is present:
        return None
    if named not in _TASK_ACTIONS:
        raise Refused(f'a task that is "{present}" cannot be set to "{named}"')
    return _TASK_ACTIONS[named]
