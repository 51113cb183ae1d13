"""Which tasks of a job run again when the job is requeued, and which actions a job can take."""

from collections import Counter
from collections.abc import Mapping

from workflows.domain.job.tasks import TaskBook
from workflows.domain.job.transitions import JOB_ACTIONS, REQUEUED
from workflows.domain.messages import JobAction
from workflows.domain.statuses import JobStatus, TaskStatus


def tasks_to_requeue(tasks: TaskBook, status: JobStatus, action: JobAction) -> list[int]:
    """Return the indexes of the tasks that run again, ascending; empty for other actions.

    "requeue" means all tasks of a completed job, and of other jobs the tasks that are not finished.
    "requeue-failed" means the failed tasks, and the canceled ones that depend on them.
    """
    if action is JobAction.REQUEUE:
        from_any = frozenset(TaskStatus) if status is JobStatus.COMPLETED else REQUEUED
        return tasks.in_status(from_any)
    if action is JobAction.REQUEUE_FAILED:
        return _failed_and_canceled_after_them(tasks)
    return []


def possible_actions(
    tasks: TaskBook, status: JobStatus
) -> Mapping[JobAction, Mapping[TaskStatus, int]]:
    """Return the actions that a job can take, in the order of `JobAction`.

    Returns:
        For each action, how many tasks it runs again, by their present status. "requeue-failed" is
        left out if no task has failed, because it is refused then.
    """
    again: dict[JobAction, Mapping[TaskStatus, int]] = {
        action: Counter(tasks.status(index) for index in tasks_to_requeue(tasks, status, action))
        for action in JobAction
        if action in JOB_ACTIONS[status]
    }
    if not again.get(JobAction.REQUEUE_FAILED):
        again.pop(JobAction.REQUEUE_FAILED, None)
    return again


def _failed_and_canceled_after_them(tasks: TaskBook) -> list[int]:
    failed = tasks.in_status({TaskStatus.FAILED})
    again = set(failed)
    for index in failed:
        again |= {
            dependent
            for dependent in tasks.with_dependents(index)
            if tasks.status(dependent) is TaskStatus.CANCELED
        }
    return sorted(again)
