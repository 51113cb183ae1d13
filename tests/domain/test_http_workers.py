"""What is said to workers that speak HTTP, and what their words come to."""

from datetime import UTC, datetime, timedelta

import pytest

from workflows.domain.faults import own_rule
from workflows.domain.http_workers import (
    Heard,
    Patience,
    Permission,
    TaskStanding,
    is_silent,
    may_keep_running,
    outcome_reported,
    status_to_become,
    status_when_it_asks_for_its_state,
    status_when_it_polls,
)
from workflows.domain.messages import HTTP_TASK_QUEUE, Lease, Outcome, OutcomeKind
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.worker import StatusRequest

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
RUNNING = TaskStanding(is_its_own=True, status=TaskStatus.ACTIVE, is_running=True)
ASLEEP = StatusRequest(WorkerStatus.ASLEEP)


@pytest.mark.parametrize("is_lazy", [True, False])
def test_a_worker_that_asks_is_told_to_become_what_was_requested(is_lazy: bool) -> None:
    assert status_to_become(StatusRequest(WorkerStatus.ASLEEP, is_lazy)) is WorkerStatus.ASLEEP
    assert status_to_become(None) is None


@pytest.mark.parametrize(
    ("heard", "listening", "silent"),
    [
        (NOON - MINUTE, NOON - 9 * MINUTE, False),
        (NOON - 2 * MINUTE, NOON - 9 * MINUTE, True),
        (NOON - 9 * MINUTE, NOON - MINUTE, False),
        (None, NOON - MINUTE, False),
        (None, NOON - 2 * MINUTE, True),
    ],
)
def test_silence_counts_from_when_somebody_listened(
    heard: datetime | None, listening: datetime, silent: bool
) -> None:
    assert is_silent(heard, NOON, MINUTE, listening_since=listening) is silent


def test_no_patience_of_zero_ever_ends() -> None:
    assert not is_silent(None, NOON, timedelta(), listening_since=NOON - 9 * MINUTE)
    assert not Patience(worker=MINUTE, task=timedelta()).has_end
    assert not Patience(worker=timedelta(), task=MINUTE).has_end


@pytest.mark.parametrize(
    ("pending", "task", "permission"),
    [
        (None, RUNNING, Permission(True)),
        (StatusRequest(WorkerStatus.ASLEEP, is_lazy=True), RUNNING, Permission(True)),
        (ASLEEP, RUNNING, Permission(False, "worker status change requested", True)),
        (ASLEEP, None, Permission(False, "Task not found")),
        (
            None,
            TaskStanding(is_its_own=False, status=TaskStatus.ACTIVE, is_running=False),
            Permission(False, "task not assigned to this worker"),
        ),
        (
            None,
            TaskStanding(is_its_own=True, status=TaskStatus.PAUSED, is_running=False),
            Permission(False, 'task is in non-runnable status "paused"'),
        ),
        (
            None,
            TaskStanding(True, TaskStatus.ACTIVE, True, "its job gave it up"),
            Permission(False, "its job gave it up"),
        ),
    ],
)
def test_who_may_go_on(
    pending: StatusRequest | None, task: TaskStanding | None, permission: Permission
) -> None:
    assert may_keep_running(pending, task) == permission


def test_a_run_that_the_projection_does_not_show_yet_may_go_on() -> None:
    lagging = TaskStanding(is_its_own=False, status=TaskStatus.QUEUED, is_running=True)

    assert may_keep_running(None, lagging).is_granted


@pytest.mark.parametrize(
    ("status", "activity", "outcome"),
    [
        (TaskStatus.ACTIVE, "Started", None),
        (TaskStatus.COMPLETED, "Completed", Outcome(OutcomeKind.COMPLETED, "Completed")),
        (TaskStatus.FAILED, "Failed: why", Outcome(OutcomeKind.FAILED, "why")),
        (TaskStatus.FAILED, "", Outcome(OutcomeKind.FAILED, "its worker gave no reason")),
        (TaskStatus.CANCELED, "why", Outcome(OutcomeKind.CANCELED, "why")),
        (TaskStatus.QUEUED, "why", Outcome(OutcomeKind.REFUSED, "why")),
    ],
)
def test_what_a_word_comes_to(status: TaskStatus, activity: str, outcome: Outcome | None) -> None:
    assert outcome_reported(status, activity, "") == outcome


@pytest.mark.parametrize(
    ("fault", "told"), [("scene", "scene"), ("chance", "chance"), ("machine", "")]
)
def test_the_farms_own_rules_find_causes_but_a_machines_fault_stays_a_failure(
    fault: str, told: str
) -> None:
    rules = [own_rule("licences", "no licence", fault, "Start the licence server.")]
    heard = Heard([b"pid=1 > no licence is free\r\n"], rules)

    outcome = outcome_reported(TaskStatus.FAILED, "exit code 1", "", heard)

    assert outcome is not None
    assert (outcome.kind, outcome.fault) == (OutcomeKind.FAILED, told)
    assert "Start the licence server." in outcome.reason
    assert "no licence is free" in outcome.reason


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        (b"pid=1 > Can't find scene: 'Shot_010' in file: '/a.blend'", OutcomeKind.FAILED),
        (b"pid=1 > Error: No render output node in scene", OutcomeKind.FAILED),
        (b"pid=1 > may be from a newer version of Blender", OutcomeKind.COMPLETED),
        (b"pid=1 > /old/cache: Input/output error", OutcomeKind.COMPLETED),
    ],
)
def test_a_blender_that_ends_with_0_may_have_rendered_nothing(line: bytes, kind: str) -> None:
    outcome = outcome_reported(TaskStatus.COMPLETED, "Completed", "", Heard([line]))

    assert outcome is not None
    assert outcome.kind is kind
    assert (outcome.fault == "scene") is (kind is OutcomeKind.FAILED)


def test_the_warnings_of_a_preview_fail_nothing() -> None:
    heard = Heard(is_preview=True, fails_on_warnings=True)

    outcome = outcome_reported(TaskStatus.FAILED, "Failed: no frames", "", heard)

    warnings = (("there is no preview video: no frames", 1),)
    text = "Completed without a preview video"
    assert outcome == Outcome(OutcomeKind.COMPLETED, text, warnings=warnings)


def test_a_worker_that_is_heard_of_again_is_what_it_asks_like() -> None:
    error, starting = WorkerStatus.ERROR, WorkerStatus.STARTING

    assert status_when_it_polls(error) is WorkerStatus.AWAKE
    assert status_when_it_polls(starting) is WorkerStatus.AWAKE
    for status in set(WorkerStatus) - {error, starting}:
        assert status_when_it_polls(status) is status


def test_a_worker_that_asks_for_its_state_sleeps_whatever_the_farm_believes() -> None:
    believed_awake = {WorkerStatus.ERROR, WorkerStatus.STARTING, WorkerStatus.AWAKE}
    found = {
        status: status_when_it_asks_for_its_state(status, is_requested=False)
        for status in WorkerStatus
    }

    assert {
        status for status in believed_awake if found[status] is not WorkerStatus.ASLEEP
    } == set()
    assert all(found[status] is status for status in set(WorkerStatus) - believed_awake)


def test_a_requested_status_is_left_to_the_answer_unless_the_worker_was_given_up() -> None:
    found = [
        status_when_it_asks_for_its_state(status, is_requested=True)
        for status in (WorkerStatus.AWAKE, WorkerStatus.ERROR)
    ]

    assert found == [WorkerStatus.AWAKE, WorkerStatus.ASLEEP]


def test_tasks_of_http_workers_go_to_the_queue_that_managers_serve() -> None:
    lease = Lease("lease", "worker", "ada", 1, 0, 1, "job", 1, ("misc",))
    of_http = Lease("lease", "worker", "ada", 1, 0, 1, "job", 1, ("misc",), is_http=True)

    assert lease.task_queue == "worker-worker-1"
    assert of_http.task_queue == HTTP_TASK_QUEUE
