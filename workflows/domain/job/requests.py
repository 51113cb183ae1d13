"""Applies the changes that people and programs ask for to a job's run."""

from dataclasses import replace

from workflows.domain.job.requeueing import tasks_to_requeue
from workflows.domain.job.run import JobRun
from workflows.domain.job.transitions import Refused, check_job_action, check_task_action
from workflows.domain.messages import Change, FramesOnRequeue, JobAction, TaskAction
from workflows.domain.statuses import ENDED, JobStatus, TaskStatus

#: The priorities that Flamenco allows.
PRIORITIES = range(101)
#: How many answers are remembered, for callers that repeat a request.
ANSWERS_KEPT = 100


class Closing(Exception):
    """The run has taken its final write; the caller asks again when the workflow has ended."""


def request(job: JobRun, change: Change) -> None:
    """Make a change, or refuse it; the same request id gets the same answer.

    Raises:
        Refused: the change does not fit the present status.
        Closing: the run is over.
    """
    change = change.clipped()
    if change.request_id and change.request_id in job.answered:
        if refusal := job.answered[change.request_id]:
            raise Refused(refusal)
        return
    if job.is_finished:
        raise Closing
    try:
        _grant(job, change)
    except Refused as refused:
        _remember(job, change, str(refused))
        raise
    _remember(job, change, "")
    job.settle()


def _remember(job: JobRun, change: Change, answer: str) -> None:
    if change.request_id:
        job.answered[change.request_id] = answer
        while len(job.answered) > ANSWERS_KEPT:
            del job.answered[next(iter(job.answered))]


def _grant(job: JobRun, change: Change) -> None:
    if change.priority is not None:
        _set_priority(job, change.priority)
    elif change.task_action is not None:
        _change_task(job, change)
    elif change.action is not None:
        check_job_action(job.status, change.action)
        reason = change.reason or f"{change.action} was requested"
        _JOB_CHANGES[change.action](job, replace(change, reason=reason))
    elif change.unblock:
        job.unblock(change.unblock)
    else:
        raise Refused("nothing was asked for")


def _set_priority(job: JobRun, priority: int) -> None:
    if priority not in PRIORITIES:
        raise Refused(f"a priority is a number from {PRIORITIES[0]} to {PRIORITIES[-1]}")
    job.priority = job.changes.priority = priority


def _cancel(job: JobRun, change: Change) -> None:
    job.move_job(JobStatus.CANCEL_REQUESTED, change.reason)


def _pause(job: JobRun, change: Change) -> None:
    job.move_job(JobStatus.PAUSE_REQUESTED, change.reason)


def _resume(job: JobRun, change: Change) -> None:
    is_active = job.tasks.counts[TaskStatus.ACTIVE] > 0
    job.move_job(JobStatus.ACTIVE if is_active else JobStatus.QUEUED, change.reason)
    paused = job.tasks.in_status({TaskStatus.PAUSED})
    job.move_tasks(paused, TaskStatus.QUEUED, "the job was resumed", are_voided=False)


def _requeue(job: JobRun, change: Change) -> None:
    again = tasks_to_requeue(job.tasks, job.status, JobAction.REQUEUE)
    rest = sorted(set(job.tasks.with_failures()) - set(again))
    job.failures.forgive_all()
    job.changes.blocked = ()
    _run_again(job, again, change)
    # Failures of tasks that do not run again must not count towards the blocklist either.
    job.tasks.forgive(rest)
    text = "its failures were forgiven when the job was requeued"
    job.changes.tasks_moved(rest, TaskStatus.COMPLETED, text, are_forgiven=True)


def _requeue_failed(job: JobRun, change: Change) -> None:
    again = tasks_to_requeue(job.tasks, job.status, JobAction.REQUEUE_FAILED)
    if not again:
        raise Refused("no task of the job has failed")
    _run_again(job, again, change)


def _run_again(job: JobRun, indexes: list[int], change: Change) -> None:
    renders_again = _renders_again(change, is_completed=job.status is JobStatus.COMPLETED)
    if job.status in ENDED | {JobStatus.PAUSED}:
        job.move_job(JobStatus.REQUEUEING, change.reason)
    job.tasks.forgive(indexes)
    for index in indexes:
        job.failures.failed_on.pop(index, None)
    because = f"it was requeued: {change.reason}"
    job.move_tasks(
        indexes, TaskStatus.QUEUED, because, are_forgiven=True, renders_again=renders_again
    )


def _renders_again(change: Change, *, is_completed: bool) -> bool:
    """Return whether frames are rendered again. A requeue of finished work asks for new frames."""
    if change.frames is None:
        return is_completed
    return change.frames == FramesOnRequeue.RENDER_AGAIN


_JOB_CHANGES = {
    JobAction.CANCEL: _cancel,
    JobAction.PAUSE: _pause,
    JobAction.RESUME: _resume,
    JobAction.REQUEUE: _requeue,
    JobAction.REQUEUE_FAILED: _requeue_failed,
}


def _change_task(job: JobRun, change: Change) -> None:
    if change.task is None or change.task not in job.tasks:
        raise Refused(f"the job has no task number {change.task}")
    check_task_action(job.tasks.status(change.task), change.task_action or TaskAction.CANCEL)
    if change.task_action is TaskAction.CANCEL:
        job.void(change.task)
        job.move_task(change.task, TaskStatus.CANCELED, change.reason or "Canceled")
    else:
        _requeue_task(job, change.task, change)


def _requeue_task(job: JobRun, index: int, change: Change) -> None:
    """Requeue the task and the tasks that depend on it, apart from those that wait anyway."""
    done = {TaskStatus.CANCELED, TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.ACTIVE}
    reason = change.reason or "the task was requeued"
    again = [i for i in job.tasks.with_dependents(index) if job.tasks.status(i) in done]
    if job.status in ENDED:
        job.move_job(JobStatus.REQUEUEING, reason)
    job.tasks.forgive(again)
    for dependent in again:
        job.failures.failed_on.pop(dependent, None)
        is_completed = job.tasks.status(dependent) is TaskStatus.COMPLETED
        job.void(dependent)
        job.move_task(
            dependent,
            job.waiting_status(TaskStatus.QUEUED),
            f"Requeued: {reason}",
            renders_again=_renders_again(change, is_completed=is_completed),
        )
