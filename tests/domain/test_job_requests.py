"""What people ask of a job's run: granted, refused, and what of it is written."""

from itertools import product

import pytest

from tests.domain.jobs import CANCELED, FAILED, columns, ends, job_of, lend, statuses
from workflows.domain.job.encoding import encode
from workflows.domain.job.requests import Closing, request
from workflows.domain.job.run import JobRun
from workflows.domain.job.transitions import Refused
from workflows.domain.messages import (
    LONGEST_REQUEST_ID,
    Change,
    FramesOnRequeue,
    JobAction,
    JobSnapshot,
    Limits,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    TaskAction,
    TasksMoved,
)
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


@pytest.mark.parametrize(
    ("status", "asked", "expected"),
    [
        (TaskStatus.COMPLETED, None, True),
        (TaskStatus.FAILED, None, False),
        (TaskStatus.CANCELED, None, False),
        (TaskStatus.COMPLETED, FramesOnRequeue.KEEP, False),
        (TaskStatus.FAILED, FramesOnRequeue.RENDER_AGAIN, True),
    ],
)
def test_finished_work_is_rendered_again_and_unfinished_work_goes_on(
    status: TaskStatus, asked: FramesOnRequeue | None, expected: bool
) -> None:
    ended = {TaskStatus.COMPLETED: JobStatus.COMPLETED, TaskStatus.FAILED: JobStatus.FAILED}
    job_status = ended.get(status, JobStatus.CANCELED)
    whole = job_of(columns(2, statuses=[status] * 2), status=job_status)
    one = job_of(columns(2, statuses=[status] * 2), status=job_status)

    request(whole, Change(action=JobAction.REQUEUE, frames=asked))
    request(one, Change(task_action=TaskAction.REQUEUE, task=2, frames=asked))

    [in_bulk] = _bulk(whole.next_write())
    assert (in_bulk.indexes, in_bulk.renders_again) == ("1-2", expected)
    moved = [move for move in one.next_write().tasks if move.indexes == "2"]
    assert [move.renders_again for move in moved] == [expected]


# --- the table of job actions ---------------------------------------------------------------------


def _job_in(status: JobStatus) -> JobRun:
    """With a failed task, and one of what the status is about."""
    about = {
        JobStatus.QUEUED: TaskStatus.QUEUED,
        JobStatus.ACTIVE: TaskStatus.SOFT_FAILED,
        JobStatus.PAUSED: TaskStatus.PAUSED,
        JobStatus.PAUSE_REQUESTED: TaskStatus.PAUSED,
        JobStatus.CANCELED: TaskStatus.CANCELED,
        JobStatus.COMPLETED: TaskStatus.COMPLETED,
        JobStatus.FAILED: TaskStatus.CANCELED,
    }
    tasks = columns(2, statuses=[TaskStatus.FAILED, about[status]])
    return JobRun(JobSnapshot("job", 1, status, 50, encode(tasks)))


GRANTED = {
    (JobStatus.QUEUED, JobAction.CANCEL): JobStatus.CANCELED,
    (JobStatus.QUEUED, JobAction.PAUSE): JobStatus.PAUSED,
    (JobStatus.QUEUED, JobAction.REQUEUE_FAILED): JobStatus.QUEUED,
    (JobStatus.ACTIVE, JobAction.CANCEL): JobStatus.CANCELED,
    (JobStatus.ACTIVE, JobAction.PAUSE): JobStatus.PAUSED,
    (JobStatus.ACTIVE, JobAction.REQUEUE_FAILED): JobStatus.ACTIVE,
    (JobStatus.PAUSE_REQUESTED, JobAction.CANCEL): JobStatus.CANCELED,
    (JobStatus.PAUSE_REQUESTED, JobAction.RESUME): JobStatus.QUEUED,
    (JobStatus.PAUSED, JobAction.CANCEL): JobStatus.CANCELED,
    (JobStatus.PAUSED, JobAction.RESUME): JobStatus.QUEUED,
    (JobStatus.PAUSED, JobAction.REQUEUE): JobStatus.QUEUED,
    (JobStatus.CANCELED, JobAction.REQUEUE): JobStatus.QUEUED,
    (JobStatus.COMPLETED, JobAction.REQUEUE): JobStatus.QUEUED,
    (JobStatus.FAILED, JobAction.CANCEL): JobStatus.CANCELED,
    (JobStatus.FAILED, JobAction.REQUEUE): JobStatus.QUEUED,
    (JobStatus.FAILED, JobAction.REQUEUE_FAILED): JobStatus.QUEUED,
}
STABLE = [
    JobStatus.QUEUED,
    JobStatus.ACTIVE,
    JobStatus.PAUSE_REQUESTED,
    JobStatus.PAUSED,
    JobStatus.CANCELED,
    JobStatus.COMPLETED,
    JobStatus.FAILED,
]


@pytest.mark.parametrize(("case", "becomes"), GRANTED.items(), ids=str)
def test_granted_job_actions_lead_where_the_table_says(
    case: tuple[JobStatus, JobAction], becomes: JobStatus
) -> None:
    job = _job_in(case[0])

    request(job, Change(action=case[1]))

    assert job.status is becomes


@pytest.mark.parametrize(
    "case", [pair for pair in product(STABLE, JobAction) if pair not in GRANTED], ids=str
)
def test_every_other_job_action_is_refused_and_changes_nothing(
    case: tuple[JobStatus, JobAction],
) -> None:
    job = _job_in(case[0])

    with pytest.raises(Refused, match=case[0]):
        request(job, Change(action=case[1]))

    assert (job.status, bool(job.changes)) == (case[0], False)


def test_requeueing_the_failed_is_refused_when_nothing_has_failed() -> None:
    with pytest.raises(Refused, match="no task"):
        request(job_of(1), Change(action=JobAction.REQUEUE_FAILED))


# --- the table of task actions --------------------------------------------------------------------

CANCELABLE = {TaskStatus.QUEUED, TaskStatus.SOFT_FAILED, TaskStatus.ACTIVE, TaskStatus.PAUSED}


@pytest.mark.parametrize("status", TaskStatus)
def test_tasks_can_be_canceled_until_they_end_and_requeued_from_then_on(
    status: TaskStatus,
) -> None:
    for action in TaskAction:
        tasks = columns(12, statuses=[status] + [TaskStatus.QUEUED] * 11)
        job = JobRun(JobSnapshot("job", 1, JobStatus.ACTIVE, 50, encode(tasks)))
        is_granted = (action is TaskAction.CANCEL) == (status in CANCELABLE)
        change = Change(task_action=action, task=1)
        if is_granted:
            request(job, change)
            expected = {TaskAction.CANCEL: "canceled", TaskAction.REQUEUE: "queued"}[action]
            assert statuses(job)[0] == expected
        else:
            with pytest.raises(Refused, match=status):
                request(job, change)


def test_a_task_that_is_not_there_is_refused() -> None:
    with pytest.raises(Refused, match="number 3"):
        request(job_of(2), Change(task_action=TaskAction.CANCEL, task=3))


def test_canceling_an_active_task_stops_it_and_ignores_what_it_brings() -> None:
    job = job_of(2)
    [start] = lend(job, "ada")

    request(job, Change(task_action=TaskAction.CANCEL, task=1))
    assert job.cancels == [start.offer]
    [other] = ends(job, start)

    assert statuses(job) == ["canceled", "active"]
    assert other.ref.index == 2


def test_a_task_requeued_while_its_run_stops_starts_only_when_that_has_stopped() -> None:
    job = job_of(12)
    [start] = lend(job, "ada")
    request(job, Change(task_action=TaskAction.CANCEL, task=1))
    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    [elsewhere] = lend(job, "bob")
    assert elsewhere.ref.index == 2
    [again] = ends(job, start, CANCELED)

    assert (again.ref.index, again.ref.attempt) == (1, 2)


def test_requeueing_a_task_requeues_what_depends_on_it_and_stops_what_is_active() -> None:
    done = columns(
        4,
        depends_on=["", "1", "2", ""],
        statuses=[*[TaskStatus.COMPLETED] * 2, TaskStatus.QUEUED, TaskStatus.COMPLETED],
    )
    job = job_of(done, status=JobStatus.ACTIVE)
    [start] = lend(job, "ada")

    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    assert statuses(job) == ["queued", "queued", "queued", "completed"]
    assert job.cancels == [start.offer]


def test_canceling_the_last_open_task_ends_the_job() -> None:
    job = job_of(columns(2, statuses=[TaskStatus.COMPLETED, TaskStatus.QUEUED]))

    request(job, Change(task_action=TaskAction.CANCEL, task=2))

    assert job.status is JobStatus.CANCELED


def test_tasks_that_wait_for_a_canceled_one_are_canceled_with_it() -> None:
    job = job_of(columns(2, depends_on=["", "1"]))

    request(job, Change(task_action=TaskAction.CANCEL, task=1))

    assert statuses(job) == ["canceled", "canceled"]
    assert job.status is JobStatus.CANCELED


def test_a_completed_job_runs_only_the_requeued_task_and_its_dependents_again() -> None:
    tasks = columns(3, depends_on=["", "1", ""], statuses=[TaskStatus.COMPLETED] * 3)
    job = JobRun(JobSnapshot("job", 2, JobStatus.COMPLETED, 50, encode(tasks)))

    request(job, Change(task_action=TaskAction.REQUEUE, task=1))

    assert statuses(job) == ["queued", "queued", "completed"]
    assert job.status is JobStatus.QUEUED


# --- how it is asked ------------------------------------------------------------------------------


def test_the_same_request_gets_the_same_answer_and_is_done_once() -> None:
    job = job_of(2)
    pause = Change(action=JobAction.PAUSE, request_id="a")
    resume = Change(action=JobAction.RESUME, request_id="b")

    request(job, pause)
    request(job, resume)
    request(job, pause)

    assert job.status is JobStatus.QUEUED


def test_a_refused_request_is_refused_again_though_it_would_fit_by_now() -> None:
    job = job_of(2)
    resume = Change(action=JobAction.RESUME, request_id="a")
    with pytest.raises(Refused):
        request(job, resume)
    request(job, Change(action=JobAction.PAUSE))

    with pytest.raises(Refused):
        request(job, resume)


def test_a_run_that_has_taken_its_final_write_is_closing() -> None:
    job = job_of(0)
    job.next_write()

    with pytest.raises(Closing):
        request(job, Change(action=JobAction.REQUEUE))


def test_a_request_before_the_final_write_keeps_the_run_open() -> None:
    job = job_of(columns(1, statuses=[TaskStatus.COMPLETED]), status=JobStatus.COMPLETED)

    request(job, Change(action=JobAction.REQUEUE))

    assert not job.next_write().is_final


def test_a_priority_is_written() -> None:
    job = job_of(1)

    request(job, Change(priority=80))

    assert job.next_write().priority == 80


@pytest.mark.parametrize("priority", [-1, 101, 2**63])
def test_a_priority_out_of_range_is_refused(priority: int) -> None:
    job = job_of(1)

    with pytest.raises(Refused):
        request(job, Change(priority=priority))

    assert job.priority == 50


def test_a_request_for_nothing_is_refused() -> None:
    with pytest.raises(Refused):
        request(job_of(1), Change(reason="because"))


def test_a_long_reason_is_clipped_for_it_is_carried_many_times() -> None:
    job = job_of(4)

    request(job, Change(action=JobAction.PAUSE, reason="x" * 2_000_000, request_id="y" * 10_000))

    assert len(str(job.next_write())) < 10_000
    assert all(len(known) <= LONGEST_REQUEST_ID for known in job.answered)


def test_a_long_reason_of_a_host_is_clipped() -> None:
    job = job_of(1)
    [start] = lend(job, "ada")

    job.offer_ended(start.offer, Outcome(OutcomeKind.FAILED, "x" * 2_000_000))

    assert len(str(job.next_write())) < 10_000


def blocked_job() -> JobRun:
    """Ada is blocked for `blender`, and of no use to the job since."""
    snapshot = JobSnapshot(
        "job", 1, JobStatus.QUEUED, 50, encode(columns(2)), blocked=(("ada", "blender"),)
    )
    job = JobRun(snapshot)
    job.begin()
    assert lend(job, "ada") == []
    job.next_write()
    return job


def test_a_worker_taken_off_the_blocklist_may_be_lent_again() -> None:
    job = blocked_job()
    version = job.demand.version

    request(job, Change(unblock=(("ada", "blender"),)))

    write = job.next_write()
    assert write.blocked == ()
    # A greater version, or the keeper would go on skipping whom the job has handed back.
    assert write.demand is not None
    assert write.demand.version > version
    assert write.demand.wants[0].blocked == ()
    assert len(lend(job, "ada", generation=2)) == 1


def test_taking_off_what_is_not_on_the_blocklist_changes_nothing() -> None:
    job = blocked_job()

    request(job, Change(unblock=(("ada", "ffmpeg"), ("eva", "blender"))))

    assert not job.changes
    assert job.failures.blocked == {("ada", "blender")}


def test_an_unblocked_worker_is_blocked_again_at_its_next_failure() -> None:
    job = job_of(60, limits=Limits(blocklist_threshold=2, softfail_limit=9))
    [start] = lend(job, "ada")
    for _ in range(2):
        starts = ends(job, start, FAILED)
        start = starts[0] if starts else start
    assert job.failures.blocked == {("ada", "blender")}
    request(job, Change(unblock=(("ada", "blender"),)))
    assert not job.failures.blocked

    [again] = lend(job, "ada", generation=2)
    ends(job, again, FAILED)

    assert job.failures.blocked == {("ada", "blender")}


def test_entries_to_unblock_are_clipped_and_survive_being_stored_as_json() -> None:
    stored = [["w" * 99, "t" * 999]]

    clipped = Change(unblock=stored).clipped()  # type: ignore[arg-type] # as JSON gives it back

    assert clipped.unblock == (("w" * 36, "t" * 255),)
