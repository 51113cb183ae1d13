"""Which actions a job can take, and which tasks a requeue runs again."""

import pytest

from tests.domain.jobs import columns, job_of, statuses
from tests.farm.action_tables import JOB_CELLS
from workflows.domain.job.requests import request
from workflows.domain.job.requeueing import possible_actions, tasks_to_requeue
from workflows.domain.job.tasks import TaskBook
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import Change, JobAction
from workflows.domain.statuses import JobStatus, TaskStatus

DONE, FAILED, CANCELED = TaskStatus.COMPLETED, TaskStatus.FAILED, TaskStatus.CANCELED


def test_a_requeue_runs_everything_again_that_is_not_finished() -> None:
    tasks = TaskBook(columns(6, statuses=[DONE, FAILED, *[CANCELED] * 4]))

    possible = possible_actions(tasks, JobStatus.FAILED)

    assert possible[JobAction.REQUEUE] == {FAILED: 1, CANCELED: 4}
    assert possible[JobAction.REQUEUE_FAILED] == {FAILED: 1}


def test_what_was_canceled_after_a_failed_task_is_requeued_with_it() -> None:
    after = ["", "1", "2", ""]
    tasks = TaskBook(columns(4, depends_on=after, statuses=[FAILED, *[CANCELED] * 3]))

    assert tasks_to_requeue(tasks, JobStatus.FAILED, JobAction.REQUEUE_FAILED) == [1, 2, 3]


def test_a_completed_job_runs_all_tasks_again() -> None:
    tasks = TaskBook(columns(3, statuses=[DONE] * 3))

    assert possible_actions(tasks, JobStatus.COMPLETED) == {JobAction.REQUEUE: {DONE: 3}}


@pytest.mark.parametrize("status", sorted({status for status, _ in JOB_CELLS}))
@pytest.mark.parametrize("task", [DONE, FAILED, CANCELED, TaskStatus.QUEUED])
@pytest.mark.parametrize("action", JobAction)
def test_an_action_is_named_exactly_if_the_job_takes_it(
    status: JobStatus, task: TaskStatus, action: JobAction
) -> None:
    job = job_of(columns(2, statuses=[task, TaskStatus.ACTIVE]), status=status)
    is_possible = action in possible_actions(job.tasks, job.status)

    try:
        request(job, Change(action=action))
    except Refused:
        assert not is_possible
    else:
        assert is_possible


@pytest.mark.parametrize("status", [JobStatus.FAILED, JobStatus.CANCELED, JobStatus.PAUSED])
@pytest.mark.parametrize("action", [JobAction.REQUEUE, JobAction.REQUEUE_FAILED])
def test_the_named_tasks_are_those_that_are_queued(status: JobStatus, action: JobAction) -> None:
    job = job_of(columns(3, statuses=[DONE, FAILED, CANCELED]), status=status)
    named = tasks_to_requeue(job.tasks, status, action)
    if action not in possible_actions(job.tasks, status):
        return

    request(job, Change(action=action))

    queued = [i for i, each in enumerate(statuses(job), start=1) if each == "queued"]
    assert queued == named
