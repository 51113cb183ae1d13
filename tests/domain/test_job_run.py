"""One run of a job: tasks, leases, failures, and what is written of them."""

from tests.domain.jobs import columns, job_of, lend, started, statuses, written
from workflows.domain.messages import SessionChanged
from workflows.domain.statuses import JobStatus, TaskStatus

# --- claim ----------------------------------------------------------------------------------------


def test_tasks_that_a_cut_off_run_left_active_are_queued_again() -> None:
    left = columns(2, statuses=[TaskStatus.COMPLETED, TaskStatus.ACTIVE])

    job = job_of(left, status=JobStatus.ACTIVE, run=2)

    assert statuses(job) == ["completed", "queued"]
    assert [moved.status for moved in written(job).tasks] == [TaskStatus.QUEUED]


def test_tasks_left_active_are_paused_in_a_job_that_was_pausing() -> None:
    left = columns(1, statuses=[TaskStatus.ACTIVE])

    job = job_of(left, status=JobStatus.PAUSE_REQUESTED, run=2)

    assert statuses(job) == ["paused"]
    assert job.status is JobStatus.PAUSED


def test_a_job_without_tasks_is_completed_at_once() -> None:
    job = job_of(0)

    write = written(job)

    assert job.status is JobStatus.COMPLETED
    assert write.is_final


def test_lent_workers_get_tasks_in_order_of_priority_then_index() -> None:
    job = job_of(columns(3, priorities=[40, 60, 60]))

    starts = lend(job, "ada", "bob", "cyd")

    assert [start.ref.index for start in starts] == [2, 3, 1]


# --- sessions -------------------------------------------------------------------------------------


def test_a_run_that_lives_goes_on_under_the_hosts_new_session() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    live = str(start.ref.key)

    job.session_changed(SessionChanged("ada", 2, (live,)))

    [again] = started(job)
    assert (again.ref.key, again.task_queue) == (start.ref.key, "worker-ada-2")
    assert written(job).moved == (("ada.0.1", 2),)


def test_the_activity_of_the_session_before_is_not_canceled() -> None:
    """To its host that would be the order to stop the very run that goes on."""
    job = job_of(1)
    [start] = lend(job, "ada")

    job.session_changed(SessionChanged("ada", 2, (str(start.ref.key),)))

    assert job.cancels == []


def test_a_run_that_the_new_session_does_not_name_is_lost_at_once() -> None:
    job = job_of(1)
    lend(job, "ada")

    job.session_changed(SessionChanged("ada", 2))

    assert statuses(job) == ["queued"]
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]
