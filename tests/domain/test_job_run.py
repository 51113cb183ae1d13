"""One run of a job: tasks, leases, failures, and what is written of them."""

from hypothesis import given
from hypothesis import strategies as st

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
    retry,
    started,
    statuses,
    wanted,
    written,
)
from workflows.domain.job.encoding import decode
from workflows.domain.job.leases import Start
from workflows.domain.job.requests import request
from workflows.domain.messages import (
    Census,
    Change,
    JobAction,
    Limits,
    Outcome,
    Recall,
    SessionChanged,
    WorkerGone,
)
from workflows.domain.statuses import ENDED, RUNNABLE, JobStatus, TaskStatus

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


# --- time-outs and attachments --------------------------------------------------------------------


def test_a_worker_that_does_not_take_its_task_loses_its_lease() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    job.never_started(start.offer)

    [returned] = written(job).returned
    assert returned.unresponsive
    assert statuses(job) == ["queued"]


def test_a_silent_worker_is_offered_the_same_attempt_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    job.fell_silent(start.offer)

    [again] = started(job)
    assert again.ref == start.ref
    assert again.offer != start.offer


def test_a_silent_worker_that_does_not_take_it_up_loses_the_task() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    job.fell_silent(start.offer)
    [again] = started(job)

    job.never_started(again.offer)

    assert statuses(job) == ["queued"]
    assert lend(job, "bob")[0].ref.attempt == 2


def test_a_silent_worker_whose_run_nobody_wants_loses_its_lease() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.CANCEL))

    job.fell_silent(start.offer)

    assert started(job) == []
    assert written(job).is_final


def test_an_answer_to_an_offer_that_was_replaced_is_ignored() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    job.fell_silent(start.offer)

    job.offer_ended(start.offer, FAILED)

    assert statuses(job) == ["active"]


def test_a_superseded_attachment_asks_again() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    [again] = ends(job, start, SUPERSEDED)

    assert again.ref == start.ref


# --- failures -------------------------------------------------------------------------------------


def test_a_failed_task_is_tried_by_others_until_the_limit() -> None:
    job = job_of(20, limits=Limits(softfail_limit=2))
    [start] = lend(job, "ada")
    [other] = ends(job, start, FAILED)
    assert (statuses(job)[0], other.ref.index) == ("soft-failed", 2)
    [again] = lend(job, "bob")
    assert (again.ref.index, again.ref.attempt) == (1, 2)

    ends(job, again, FAILED)

    assert statuses(job)[0] == "failed"
    assert job.tasks.columns.failed_by[0] == ("ada", "bob")


def test_a_tenth_of_the_tasks_failing_fails_the_job_and_cancels_the_rest() -> None:
    job = job_of(20, limits=Limits(softfail_limit=1, blocklist_threshold=9))
    [first] = lend(job, "ada")
    [second] = ends(job, first, FAILED)
    assert job.status is JobStatus.ACTIVE

    ends(job, second, FAILED)

    assert job.status is JobStatus.FAILED
    assert statuses(job) == ["failed"] * 2 + ["canceled"] * 18


def test_a_job_with_few_failed_tasks_fails_when_nothing_is_left_to_run() -> None:
    job = job_of(11, limits=Limits(softfail_limit=1))
    [start] = lend(job, "ada")
    [start] = ends(job, start, FAILED)
    for _ in range(9):
        [start] = ends(job, start)
    assert job.status is JobStatus.ACTIVE

    ends(job, start)

    assert job.status is JobStatus.FAILED


def test_a_worker_is_blocked_at_exactly_the_threshold() -> None:
    job = job_of(60, limits=Limits(blocklist_threshold=3))
    [start] = lend(job, "ada")
    for _ in range(2):
        [start] = ends(job, start, FAILED)
    assert not job.failures.blocked

    assert ends(job, start, FAILED) == []

    assert written(job).blocked == (("ada", "blender"),)


def test_a_blocked_worker_still_serves_other_task_types() -> None:
    tasks = columns(3, types=["blender", "blender", "ffmpeg"])
    job = job_of(tasks, limits=Limits(blocklist_threshold=2, softfail_limit=9))
    [start] = lend(job, "ada")
    [start] = ends(job, start, FAILED)

    [last] = ends(job, start, FAILED)

    assert last.ref.index == 3


def test_what_a_blocked_worker_failed_for_good_is_given_to_others() -> None:
    job = job_of(60, limits=Limits(softfail_limit=1, blocklist_threshold=3))
    [start] = lend(job, "ada")
    for _ in range(2):
        [start] = ends(job, start, FAILED)

    ends(job, start, FAILED)

    assert statuses(job)[:3] == ["queued", "queued", "failed"]


def test_accidents_are_forgiven_three_times_then_count() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    for _ in range(3):
        [start] = ends(job, start, LOST)
    assert job.tasks.columns.failures == [0]

    ends(job, start, LOST)

    assert job.tasks.columns.failures == [1]


# --- census ---------------------------------------------------------------------------------------


def test_the_only_worker_tries_again_after_a_pause_up_to_the_limit() -> None:
    job = job_of(1)
    for attempt, generation in ((1, 1), (2, 2), (3, 3)):
        [start] = lend(job, "ada", generation=generation)
        assert start.ref.attempt == attempt
        ends(job, start, FAILED)
        retry(job, "ada")

    assert job.status is JobStatus.FAILED
    assert job.tasks.columns.failures == [3]


def test_demand_names_whom_every_ready_task_excludes() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    ends(job, start, FAILED)

    assert [want.failed for want in job.demand.wants] == [("ada",)]


def test_a_census_that_is_told_twice_pauses_once() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    ends(job, start, FAILED)
    census = Census(job.demand.version, "blender", allow_retry=("ada",))

    job.census(census)
    job.census(census)

    assert len(job.pauses) == 1


def test_a_census_of_an_older_demand_is_ignored() -> None:
    job = job_of(1)

    job.census(Census(job.demand.version - 1, "blender", nobody_left=True))

    assert job.status is JobStatus.QUEUED


def test_a_job_that_has_nobody_left_fails() -> None:
    job = job_of(2)

    job.census(Census(job.demand.version, "blender", nobody_left=True))

    assert job.status is JobStatus.FAILED
    assert statuses(job) == ["canceled", "canceled"]


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


def test_nothing_is_final_while_a_run_still_stops() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.CANCEL))
    assert not written(job).is_final

    ends(job, start, CANCELED)

    assert written(job).is_final


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


# --- properties -----------------------------------------------------------------------------------

OUTCOMES = st.sampled_from([COMPLETED, FAILED, LOST, CANCELED, REFUSED])


@given(
    count=st.integers(0, 8),
    workers=st.lists(st.sampled_from(["ada", "bob", "cyd"]), max_size=25),
    outcomes=st.lists(OUTCOMES, max_size=25),
)
def test_a_finished_job_has_nothing_left_to_run(
    count: int, workers: list[str], outcomes: list[Outcome]
) -> None:
    job = job_of(count)
    live: list[Start] = []
    for generation, (worker, outcome) in enumerate(zip(workers, outcomes, strict=False), start=1):
        job.lend([lease(worker, generation=generation)])
        live += started(job)
        if live:
            live += ends(job, live.pop(0), outcome)

    assert job.status not in ENDED or not RUNNABLE & set(job.tasks.columns.statuses)
    assert job.tasks.counts.total() == count


@given(st.lists(st.sampled_from(["ada", "bob", "cyd"]), max_size=12), st.integers(1, 6))
def test_no_task_is_given_to_two_workers(workers: list[str], count: int) -> None:
    job = job_of(count)
    for generation, worker in enumerate(workers, start=1):
        job.lend([lease(worker, generation=generation)])

    live = [holding.live.index for holding in job.leases if holding.live]
    assert len(set(live)) == len(live)
