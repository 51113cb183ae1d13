"""A worker's requested status, sign-on, sign-off, being lost; the farm in one word."""

import pytest

from workflows.domain.statuses import FarmStatus, JobStatus, WorkerStatus
from workflows.domain.worker import (
    CannotRestart,
    StatusRequest,
    can_be_lost,
    farm_status,
    is_lost,
    next_loss_s,
    pending_after_report,
    pending_after_sign_off,
    request_status,
    status_after_hello,
    status_after_sign_on,
)

AWAKE, ASLEEP, OFFLINE = WorkerStatus.AWAKE, WorkerStatus.ASLEEP, WorkerStatus.OFFLINE
ERROR, RESTART, STARTING = WorkerStatus.ERROR, WorkerStatus.RESTART, WorkerStatus.STARTING


# --- requests -------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_lazy", [True, False])
def test_another_status_becomes_the_pending_request(is_lazy: bool) -> None:
    pending = request_status(AWAKE, ASLEEP, is_lazy=is_lazy, can_restart=False)

    assert pending == StatusRequest(ASLEEP, is_lazy)


@pytest.mark.parametrize("is_lazy", [True, False])
def test_asking_for_the_current_status_takes_a_request_back(is_lazy: bool) -> None:
    assert request_status(AWAKE, AWAKE, is_lazy=is_lazy, can_restart=False) is None


def test_only_workers_that_come_back_can_be_restarted() -> None:
    pending = request_status(AWAKE, RESTART, is_lazy=True, can_restart=True)

    assert pending == StatusRequest(RESTART, is_lazy=True)
    with pytest.raises(CannotRestart, match="cannot be restarted"):
        request_status(AWAKE, RESTART, is_lazy=True, can_restart=False)


@pytest.mark.parametrize(
    ("reported", "pending", "left"),
    [
        (ASLEEP, StatusRequest(ASLEEP, is_lazy=True), None),
        (AWAKE, StatusRequest(ASLEEP), StatusRequest(ASLEEP)),
        (AWAKE, None, None),
    ],
)
def test_a_request_stays_until_exactly_it_is_reported(
    reported: WorkerStatus, pending: StatusRequest | None, left: StatusRequest | None
) -> None:
    assert pending_after_report(reported, pending) == left


# --- sign-on and sign-off -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pending", "scheduled", "status"),
    [
        (None, None, AWAKE),
        (None, ASLEEP, ASLEEP),
        (None, AWAKE, AWAKE),
        (StatusRequest(ASLEEP), AWAKE, ASLEEP),
        (StatusRequest(ASLEEP, is_lazy=True), None, ASLEEP),
        (StatusRequest(AWAKE), ASLEEP, AWAKE),
    ],
)
def test_sign_on_obeys_request_then_schedule(
    pending: StatusRequest | None, scheduled: WorkerStatus | None, status: WorkerStatus
) -> None:
    assert status_after_sign_on(pending, scheduled) == status


@pytest.mark.parametrize(
    ("pending", "known", "reported", "scheduled", "status"),
    [
        (None, STARTING, "", None, AWAKE),
        (None, STARTING, "", ASLEEP, ASLEEP),
        (None, AWAKE, "awake", ASLEEP, AWAKE),
        (None, ASLEEP, "", AWAKE, ASLEEP),
        (None, ERROR, "asleep", AWAKE, ASLEEP),
        (StatusRequest(AWAKE), ASLEEP, "asleep", ASLEEP, AWAKE),
        (StatusRequest(OFFLINE, is_lazy=True), AWAKE, "awake", None, OFFLINE),
    ],
)
def test_a_host_stays_what_it_is_unless_it_has_just_begun_or_is_asked(
    pending: StatusRequest | None,
    known: WorkerStatus,
    reported: str,
    scheduled: WorkerStatus | None,
    status: WorkerStatus,
) -> None:
    assert status_after_hello(pending, known, reported, scheduled) == status


@pytest.mark.parametrize(
    ("previous", "pending", "left"),
    [
        (AWAKE, None, StatusRequest(AWAKE)),
        (ASLEEP, None, StatusRequest(ASLEEP)),
        (STARTING, None, None),
        (ERROR, None, None),
        (WorkerStatus.UNREGISTERED, None, None),
        (AWAKE, StatusRequest(OFFLINE, is_lazy=True), StatusRequest(AWAKE)),
        (ASLEEP, StatusRequest(RESTART), StatusRequest(ASLEEP)),
        (ERROR, StatusRequest(OFFLINE), None),
        (AWAKE, StatusRequest(ASLEEP, is_lazy=True), StatusRequest(ASLEEP, is_lazy=True)),
    ],
)
def test_sign_off_remembers_what_to_resume(
    previous: WorkerStatus, pending: StatusRequest | None, left: StatusRequest | None
) -> None:
    assert pending_after_sign_off(previous, pending) == left


# --- being lost -----------------------------------------------------------------------------------


def test_only_a_worker_that_is_not_known_to_be_gone_can_be_lost() -> None:
    assert {status for status in WorkerStatus if not can_be_lost(status)} == {OFFLINE, ERROR}


@pytest.mark.parametrize(
    ("last_beat", "now", "lost"),
    [
        (100.0, 115.0, False),
        (100.0, 115.1, True),
        (114.0, 115.1, False),
    ],
)
def test_a_worker_is_lost_when_silent_for_longer_than_accepted(
    last_beat: float, now: float, lost: bool
) -> None:
    assert is_lost(last_beat, now, listening_since=0.0, lost_after_s=15.0) is lost


@pytest.mark.parametrize(
    ("last_beats", "seconds"),
    [
        ([100.0, 104.0], 5.0),
        ([104.0], 9.0),
        ([90.0, 100.0], 0.0),
        ([], float("inf")),
    ],
)
def test_the_next_loss_is_that_of_the_worker_that_is_silent_for_longest(
    last_beats: list[float], seconds: float
) -> None:
    times = {"listening_since": 0.0, "lost_after_s": 15.0}

    assert next_loss_s(last_beats, 110.0, **times) == seconds


def test_the_next_loss_is_not_in_the_first_time_of_listening() -> None:
    assert next_loss_s([3.0], 5.0, listening_since=2.0, lost_after_s=15.0) == 2.0 + 30.0 - 5.0


@pytest.mark.parametrize("last_beat", [None, 10.0, 100.0])
def test_a_manager_that_just_began_to_listen_misses_nobody(last_beat: float | None) -> None:
    def lost_at(now: float) -> bool:
        return is_lost(last_beat, now, listening_since=100.0, lost_after_s=15.0)

    assert not lost_at(100.0)
    assert not lost_at(130.0)
    assert lost_at(130.1)


# --- the farm -------------------------------------------------------------------------------------

QUEUED, ACTIVE, PAUSED = JobStatus.QUEUED, JobStatus.ACTIVE, JobStatus.PAUSED


@pytest.mark.parametrize(
    ("jobs", "workers", "status"),
    [
        ([], [], FarmStatus.INOPERATIVE),
        ([ACTIVE], [], FarmStatus.INOPERATIVE),
        ([ACTIVE], [OFFLINE, ERROR], FarmStatus.INOPERATIVE),
        ([ACTIVE], [OFFLINE, AWAKE], FarmStatus.ACTIVE),
        ([ACTIVE, QUEUED], [ASLEEP, AWAKE], FarmStatus.ACTIVE),
        ([QUEUED], [AWAKE], FarmStatus.WAITING),
        ([ACTIVE], [ASLEEP], FarmStatus.WAITING),
        ([QUEUED], [WorkerStatus.UNREGISTERED], FarmStatus.WAITING),
        ([], [ASLEEP, OFFLINE], FarmStatus.ASLEEP),
        ([PAUSED, JobStatus.COMPLETED], [ASLEEP], FarmStatus.ASLEEP),
        ([], [ASLEEP, AWAKE], FarmStatus.IDLE),
        ([JobStatus.FAILED], [AWAKE], FarmStatus.IDLE),
        ([], [STARTING, OFFLINE], FarmStatus.IDLE),
        ([], [WorkerStatus.UNREGISTERED], FarmStatus.IDLE),
    ],
)
def test_the_first_rule_that_fits_names_the_farms_status(
    jobs: list[JobStatus], workers: list[WorkerStatus], status: FarmStatus
) -> None:
    assert farm_status(jobs, workers) == status
