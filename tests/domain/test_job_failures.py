"""Failures and accidents: who tries next, who is blocked, and when there is nobody left."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from tests.domain.jobs import (
    CANCELED,
    COMPLETED,
    FAILED,
    LOST,
    REFUSED,
    columns,
    ends,
    job_of,
    job_status,
    lease,
    lend,
    retry,
    started,
    statuses,
    written,
)
from workflows.domain.job.carrying import carry, restore
from workflows.domain.job.leases import Start
from workflows.domain.job.requests import request
from workflows.domain.messages import (
    Census,
    Change,
    JobAction,
    Limits,
    Outcome,
    OutcomeKind,
)
from workflows.domain.statuses import ENDED, RUNNABLE, JobStatus

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
    assert job_status(job) == "active"

    ends(job, second, FAILED)

    assert job.status is JobStatus.FAILED
    assert statuses(job) == ["failed"] * 2 + ["canceled"] * 18


def test_a_job_that_fails_while_it_pauses_cancels_what_was_paused() -> None:
    job = job_of(3, limits=Limits(softfail_limit=1))
    [start] = lend(job, "ada")
    request(job, Change(action=JobAction.PAUSE))

    ends(job, start, FAILED)

    assert job.status is JobStatus.FAILED
    assert statuses(job) == ["failed", "canceled", "canceled"]


def test_a_job_with_few_failed_tasks_fails_when_nothing_is_left_to_run() -> None:
    job = job_of(11, limits=Limits(softfail_limit=1))
    [start] = lend(job, "ada")
    [start] = ends(job, start, FAILED)
    for _ in range(9):
        [start] = ends(job, start)
    assert job_status(job) == "active"

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


def test_a_blocked_worker_that_may_retry_is_blocked_again_by_its_next_failure() -> None:
    job = job_of(60, limits=Limits(blocklist_threshold=2))
    [start] = lend(job, "ada")
    [start] = ends(job, start, FAILED)
    ends(job, start, FAILED)
    assert written(job).blocked == (("ada", "blender"),)

    retry(job, "ada")

    assert written(job).blocked == ()
    [start] = lend(job, "ada", generation=2)
    assert start.ref.index == 1  # its failures do not keep it from its own tasks
    ends(job, start, FAILED)
    assert written(job).blocked == (("ada", "blender"),)


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


# --- whose fault it is ----------------------------------------------------------------------------

DISK_FULL = Outcome(OutcomeKind.FAILED, "A disk is full.", fault="machine", rule="disk-full")
NO_MEMORY = replace(DISK_FULL, reason="Killed.", rule="memory", may_be_tasks=True)
NO_CAMERA = Outcome(OutcomeKind.FAILED, "No camera.", fault="scene", rule="no-camera")
BY_CHANCE = Outcome(OutcomeKind.FAILED, "No license.", fault="chance", rule="license")


def test_a_fault_of_the_machine_is_no_failure_and_ends_the_lease() -> None:
    job = job_of(1)

    for generation in range(1, 11):
        [start] = lend(job, "ada", generation=generation)
        assert ends(job, start, DISK_FULL) == []
        returned = written(job).returned
        assert [lease.unresponsive for lease in returned] == [True]

    assert statuses(job) == ["queued"]
    assert job.tasks.columns.failures == [0]
    assert job.tasks.columns.failed_by == [()]
    assert job.failures.blocked == set()


def test_the_task_says_which_worker_had_the_fault() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    ends(job, start, DISK_FULL)

    assert written(job).tasks[-1].activity_text == (
        'Task was queued by Manager because of a fault of worker "ada": A disk is full.'
    )


def test_a_scenes_fault_fails_the_task_at_once_and_blames_no_worker() -> None:
    job = job_of(20, limits=Limits(blocklist_threshold=1))
    [start] = lend(job, "ada")

    [other] = ends(job, start, NO_CAMERA)

    assert (statuses(job)[0], other.ref.index) == ("failed", 2)
    assert written(job).tasks[-2].activity_text.startswith("Failed: No camera. ")
    assert (job.failures.blocked, job.tasks.columns.failed_by[0]) == (set(), ())


def test_what_may_be_the_tasks_fault_is_so_after_three_machines() -> None:
    job = job_of(20)

    for worker in ("ada", "bob", "eve"):
        [start] = lend(job, worker)
        assert start.ref.index == 1
        ends(job, start, NO_MEMORY)

    assert statuses(job)[0] == "failed"
    assert written(job).tasks[-1].activity_text == "Failed: Killed. This happened on 3 machines."
    assert job.failures.blocked == set()


def test_a_worker_does_other_tasks_before_one_that_may_have_killed_it() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")
    ends(job, start, NO_MEMORY)

    [other] = lend(job, "ada", generation=2)

    assert other.ref.index == 2


def test_alone_a_machine_tries_such_a_task_up_to_six_times() -> None:
    job = job_of(1)
    tries = 0
    while job.status not in ENDED:
        tries += 1
        [start] = lend(job, "ada", generation=tries)
        ends(job, start, NO_MEMORY)
        job.census(Census(job.demand.version, "blender", allow_retry=("ada",)))
        for pause in job.pauses:
            job.retry_due(pause)
        job.pauses.clear()

    assert tries == 6


def test_chance_is_forgiven_three_times() -> None:
    job = job_of(20)
    [start] = lend(job, "ada")
    for _ in range(3):
        [start] = ends(job, start, BY_CHANCE)
    assert (statuses(job)[0], job.tasks.columns.failures[0]) == ("active", 0)

    ends(job, start, BY_CHANCE)

    assert (statuses(job)[0], job.tasks.columns.failures[0]) == ("soft-failed", 1)


def test_machines_that_reported_a_fault_are_carried_along() -> None:
    job = job_of(20)
    for worker in ("ada", "bob"):
        [start] = lend(job, worker)
        ends(job, start, NO_MEMORY)
    job.next_write()

    carried = restore(carry(job))
    [start] = lend(carried, "eve")
    ends(carried, start, NO_MEMORY)

    assert statuses(carried)[0] == "failed"
