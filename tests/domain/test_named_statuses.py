"""What a client asks for by naming a status."""

import pytest

from workflows.domain.job.named_statuses import job_action_for, task_action_for
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import JobAction, TaskAction
from workflows.domain.statuses import JobStatus, TaskStatus


@pytest.mark.parametrize("status", JobStatus)
def test_naming_the_present_status_of_a_job_asks_for_nothing(status: JobStatus) -> None:
    assert job_action_for(status, status) is None


@pytest.mark.parametrize("status", TaskStatus)
def test_naming_the_present_status_of_a_task_asks_for_nothing(status: TaskStatus) -> None:
    assert task_action_for(status, status) is None


@pytest.mark.parametrize("present", [JobStatus.PAUSED, JobStatus.PAUSE_REQUESTED])
@pytest.mark.parametrize("named", [JobStatus.QUEUED, JobStatus.ACTIVE])
def test_a_pausing_job_that_is_to_go_on_is_resumed(present: JobStatus, named: JobStatus) -> None:
    assert job_action_for(present, named) is JobAction.RESUME


@pytest.mark.parametrize("present", JobStatus)
def test_the_words_for_canceling_pausing_and_requeueing_count_in_any_status(
    present: JobStatus,
) -> None:
    named = {
        JobStatus.CANCEL_REQUESTED: JobAction.CANCEL,
        JobStatus.PAUSE_REQUESTED: JobAction.PAUSE,
        JobStatus.REQUEUEING: JobAction.REQUEUE,
    }

    asked = {status: job_action_for(present, status) for status in named if status is not present}

    assert asked == {status: action for status, action in named.items() if status is not present}


@pytest.mark.parametrize("named", [JobStatus.QUEUED, JobStatus.COMPLETED, JobStatus.PAUSED])
def test_a_status_that_no_action_leads_to_is_refused(named: JobStatus) -> None:
    with pytest.raises(Refused, match=f'"failed" cannot be set to "{named}"'):
        job_action_for(JobStatus.FAILED, named)


def test_tasks_are_canceled_and_requeued_and_set_to_nothing_else() -> None:
    assert task_action_for(TaskStatus.ACTIVE, TaskStatus.CANCELED) is TaskAction.CANCEL
    assert task_action_for(TaskStatus.FAILED, TaskStatus.QUEUED) is TaskAction.REQUEUE
    with pytest.raises(Refused, match='"active" cannot be set to "completed"'):
        task_action_for(TaskStatus.ACTIVE, TaskStatus.COMPLETED)
