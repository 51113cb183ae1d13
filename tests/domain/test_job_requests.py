"""What people ask of a job's run: granted, refused, and what of it is written."""

from tests.domain.jobs import FAILED, columns, ends, job_of, lend, statuses
from workflows.domain.job.requests import request
from workflows.domain.messages import Change, JobAction, Limits, ProjectionWrite, TaskAction, TasksMoved
from workflows.domain.statuses import JobStatus, TaskStatus


def test_requeueing_a_job_writes_that_failures_are_forgiven() -> None:
    job = job_of(2, limits=Limits(softfail_limit=2))
    [start] = lend(job, "ada")
    [second] = ends(job, start, FAILED)
    ends(job, second)
    request(job, Change(action=JobAction.CANCEL))

    request(job, Change(action=JobAction.REQUEUE))

    _, moved = _bulk(job.next_write())
    assert (moved.indexes, moved.status) == ("1", TaskStatus.QUEUED)
    assert (moved.failures, moved.failed_by) == (0, ())


def test_requeueing_a_job_forgives_also_what_does_not_run_again() -> None:
    done = columns(1, statuses=[TaskStatus.COMPLETED])
    done.failures, done.failed_by = [1], [("ada",)]
    paused = job_of(done, status=JobStatus.PAUSED)

    request(paused, Change(action=JobAction.REQUEUE))

    [moved] = _bulk(paused.next_write())
    assert (moved.indexes, moved.status, moved.failures) == ("1", TaskStatus.COMPLETED, 0)
    assert paused.tasks.columns.failed_by == [()]


def test_one_failed_task_of_many_can_be_requeued_in_a_failed_job() -> None:
    tasks = columns(4, statuses=[TaskStatus.FAILED] * 2 + [TaskStatus.COMPLETED] * 2)
    job = job_of(tasks, status=JobStatus.FAILED)

    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    assert job.status is JobStatus.QUEUED
    assert statuses(job) == ["queued", "failed", "completed", "completed"]


def test_a_job_whose_other_tasks_have_failed_fails_when_the_requeued_one_has_completed() -> None:
    tasks = columns(4, statuses=[TaskStatus.FAILED] * 2 + [TaskStatus.COMPLETED] * 2)
    job = job_of(tasks, status=JobStatus.FAILED)
    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    [start] = lend(job, "ada")
    ends(job, start)

    assert job.status is JobStatus.FAILED


def _bulk(write: ProjectionWrite) -> list[TasksMoved]:
    return [moved for moved in write.tasks if moved.in_bulk]
