"""One run of a job: tasks, leases, failures, and what is written of them."""

from dataclasses import replace

import pytest

from tests.domain.jobs import (
    CANCELED,
    COMPLETED,
    FAILED,
    LOST,
    REFUSED,
    SUPERSEDED,
    columns,
    ends,
    job_of,
    lease,
    lend,
    started,
    statuses,
    wanted,
    written,
)
from workflows.domain.job.encoding import decode
from workflows.domain.job.requests import request
from workflows.domain.messages import (
    Change,
    JobAction,
    Limits,
    Outcome,
    Recall,
    TaskAction,
    WorkerGone,
)
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


def test_a_worker_gets_the_next_task_when_one_has_ended() -> None:
    job = job_of(2)
    [first] = lend(job, "ada")

    [second] = ends(job, first)

    assert (first.ref.index, second.ref.index) == (1, 2)
    assert statuses(job) == ["completed", "active"]


def test_a_worker_for_whom_there_is_nothing_is_handed_back_with_the_demands_version() -> None:
    job = job_of(1)
    lend(job, "ada")

    lend(job, "bob")

    [returned] = written(job).returned
    assert (returned.worker_id, returned.demand_version) == ("bob", job.demand.version)


def test_a_task_waits_for_what_it_depends_on() -> None:
    job = job_of(columns(2, depends_on=["", "1"]))
    assert wanted(job.demand) == {"blender": 1}
    [first] = lend(job, "ada")

    [second] = ends(job, first)

    assert second.ref.index == 2


def test_a_task_that_failed_before_its_dependents_leaves_them_to_be_canceled() -> None:
    job = job_of(columns(2, depends_on=["", "1"]), limits=Limits(softfail_limit=1))
    [start] = lend(job, "ada")

    ends(job, start, FAILED)

    assert job.status is JobStatus.FAILED
    assert statuses(job) == ["failed", "canceled"]


def test_the_last_completed_task_completes_the_job_and_returns_its_workers() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    ends(job, start)

    write = written(job)
    assert job.status is JobStatus.COMPLETED
    assert write.is_final
    assert [returned.lease_id for returned in write.returned] == ["ada.0.1"]


def test_no_more_runs_are_live_than_temporal_bears() -> None:
    job = job_of(3, limits=Limits(max_live=2))

    assert len(lend(job, "ada", "bob", "cyd")) == 2


# --- leases ---------------------------------------------------------------------------------------


def test_a_lease_that_is_lent_twice_is_confirmed_twice_and_works_once() -> None:
    job = job_of(2)

    job.lend([lease("ada"), lease("ada")])

    assert len(started(job)) == 1
    assert set(written(job).held) == {"ada.0.1"}


def test_a_lease_of_another_run_is_returned() -> None:
    job = job_of(1, run=2)

    job.lend([lease("ada", run=1)])

    assert started(job) == []
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]


def test_a_lease_of_another_job_is_returned() -> None:
    job = job_of(1)

    job.lend([replace(lease("ada"), job_id="../another job")])

    assert started(job) == []
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]


def test_a_late_copy_of_a_returned_lease_is_returned_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    job.recall([Recall("ada.0.1")])
    ends(job, start, LOST)
    written(job)

    job.lend([lease("ada")])

    assert started(job) == []
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]


def test_a_newer_lease_of_a_slot_ends_the_older_one() -> None:
    job = job_of(1)
    [old] = lend(job, "ada")

    [new] = lend(job, "ada", generation=2)

    assert (new.ref.index, new.ref.attempt, new.ref.generation) == (1, 2, 2)
    assert job.cancels == [old.offer]
    assert [returned.lease_id for returned in written(job).returned] == ["ada.0.1"]


def test_a_recall_lets_the_task_end_first() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")

    job.recall([Recall("ada.0.1")])
    assert job.cancels == []
    assert ends(job, start) == []

    [returned] = written(job).returned
    assert (returned.lease_id, returned.demand_version) == ("ada.0.1", 0)
    assert statuses(job) == ["completed", "queued"]


def test_a_recall_at_once_stops_the_task_which_is_queued_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    job.recall([Recall("ada.0.1", at_once=True)])
    assert job.cancels == [start.offer]
    assert statuses(job) == ["active"]
    ends(job, start, CANCELED)

    assert statuses(job) == ["queued"]
    assert job.tasks.columns.failures == [0]


def test_a_run_that_completes_before_it_could_be_stopped_counts() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    job.recall([Recall("ada.0.1", at_once=True)])

    ends(job, start, COMPLETED)

    assert statuses(job) == ["completed"]


def test_an_offer_to_an_http_worker_is_written_as_one() -> None:
    job = job_of(2)

    job.lend([lease("ada"), replace(lease("bob"), is_http=True)])

    assert [moved.is_offer for moved in written(job).tasks] == [False, True]


@pytest.mark.parametrize("outcome", [REFUSED, CANCELED])
def test_a_run_that_was_never_handed_out_was_no_try(outcome: Outcome) -> None:
    job = job_of(1)
    job.lend([replace(lease("ada"), is_http=True)])
    [start] = started(job)
    job.recall([Recall("ada.0.1", at_once=True)])

    ends(job, start, replace(outcome, not_handed_out=True))

    assert written(job).tasks[-1].attempt == 0
    assert [again.ref.attempt for again in lend(job, "bob")] == [1]


def test_of_a_run_that_was_offered_again_an_earlier_offer_may_have_been_handed_out() -> None:
    job = job_of(1)
    job.lend([replace(lease("ada"), is_http=True)])
    [start] = started(job)
    [again] = ends(job, start, SUPERSEDED)

    ends(job, again, replace(REFUSED, not_handed_out=True))

    assert job.tasks.attempt(1) == 1


def test_a_canceled_offer_that_was_never_handed_out_was_no_try() -> None:
    job = job_of(1)
    job.lend([replace(lease("ada"), is_http=True)])
    [start] = started(job)
    request(job, Change(task=1, task_action=TaskAction.CANCEL))

    ends(job, start, replace(CANCELED, not_handed_out=True))

    assert job.tasks.attempt(1) == 0


def test_a_refusal_ends_the_lease_and_blames_nobody() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    ends(job, start, REFUSED)

    [returned] = written(job).returned
    assert returned.unresponsive
    assert (statuses(job), job.tasks.columns.failures) == (["queued"], [0])


def test_what_a_gone_worker_worked_on_is_queued_again_unblamed() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    job.worker_gone(WorkerGone("ada", 1))

    assert (statuses(job), job.tasks.columns.failures) == (["queued"], [0])
    assert [stopped.key for stopped in written(job).stopped] == [start.ref.key]


def test_a_worker_gone_in_an_earlier_session_is_no_matter() -> None:
    job = job_of(1)
    job.lend([lease("ada", session=2)])

    job.worker_gone(WorkerGone("ada", 1))

    assert statuses(job) == ["active"]


# --- pausing --------------------------------------------------------------------------------------


def test_pausing_waits_for_active_tasks() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")

    request(job, Change(action=JobAction.PAUSE))
    assert (job.status, job.cancels) == (JobStatus.PAUSE_REQUESTED, [])
    assert statuses(job) == ["active", "paused"]
    ends(job, start)

    assert job.status is JobStatus.PAUSED
    assert statuses(job) == ["completed", "paused"]


def test_a_soft_failure_does_not_resume_a_pausing_job() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.PAUSE))

    assert ends(job, start, FAILED) == []

    assert job.status is JobStatus.PAUSED
    assert statuses(job) == ["paused", "paused"]
    assert job.tasks.columns.failures == [1, 0]


def test_pausing_a_job_whose_last_task_completes_completes_it() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.PAUSE))

    ends(job, start)

    assert job.status is JobStatus.COMPLETED


# --- writes ---------------------------------------------------------------------------------------


def test_writes_are_numbered_and_take_what_has_gathered() -> None:
    job = job_of(1)
    first = written(job)
    lend(job, "ada")

    second = written(job)

    assert (first.sequence, second.sequence) == (1, 2)
    assert second.held == ("ada.0.1",)
    assert not job.changes


def test_a_whole_write_holds_every_task_and_lease() -> None:
    job = job_of(2)
    lend(job, "ada")

    write = job.whole(written(job))

    assert write.snapshot is not None
    assert decode(write.snapshot).statuses == job.tasks.columns.statuses
    assert (write.all_held, write.status) == (("ada.0.1",), JobStatus.ACTIVE)


def test_a_run_can_be_brought_to_write_without_having_anything_new() -> None:
    job = job_of(1)
    written(job)

    job.tell_again()

    assert (written(job).sequence, bool(job.changes)) == (2, False)


def test_nothing_is_final_while_a_run_still_stops() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.CANCEL))
    assert not written(job).is_final

    ends(job, start, CANCELED)

    assert written(job).is_final
