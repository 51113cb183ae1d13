"""When a schedule says asleep, and when it is looked at again: days, nights, changes of clocks."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from workflows.domain.sleep_schedule import BadSchedule, SleepSchedule, is_request_due
from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import StatusRequest

SEVILLA = ZoneInfo("Europe/Madrid")
AWAKE, ASLEEP = WorkerStatus.AWAKE, WorkerStatus.ASLEEP


def schedule(
    days: str = "", start: str = "", end: str = "", *, active: bool = True
) -> SleepSchedule:
    return SleepSchedule.parse(is_active=active, days_of_week=days, start_time=start, end_time=end)


def at(text: str) -> datetime:
    """`2026-05-04 21:59`, a Monday, as the clocks of Sevilla show it."""
    return datetime.fromisoformat(text).replace(tzinfo=SEVILLA)


@pytest.mark.parametrize(
    ("days", "start", "end", "now", "says"),
    [
        ("mo", "09:00", "17:00", "2026-05-04 08:59", AWAKE),
        ("mo", "09:00", "17:00", "2026-05-04 09:00", ASLEEP),
        ("mo", "09:00", "17:00", "2026-05-04 16:59", ASLEEP),
        ("mo", "09:00", "17:00", "2026-05-04 17:00", AWAKE),
        ("tu", "09:00", "17:00", "2026-05-04 12:00", AWAKE),
        ("", "09:00", "17:00", "2026-05-10 12:00", ASLEEP),  # every day
        ("", "", "", "2026-05-10 12:00", ASLEEP),  # always
        ("sa su", "", "", "2026-05-10 23:59", ASLEEP),  # the weekend
        ("sa su", "", "", "2026-05-11 00:00", AWAKE),
        ("", "", "06:00", "2026-05-04 05:59", ASLEEP),
        ("", "20:00", "", "2026-05-04 23:59", ASLEEP),
        ("mo", "20:00", "", "2026-05-05 00:00", AWAKE),
        ("", "10:00", "10:00", "2026-05-04 10:00", AWAKE),  # nothing lies between
    ],
)
def test_a_worker_sleeps_from_start_to_end_on_its_days(
    days: str, start: str, end: str, now: str, says: WorkerStatus
) -> None:
    assert schedule(days, start, end).status_at(at(now), SEVILLA) is says


@pytest.mark.parametrize(
    ("now", "says"),
    [
        ("2026-05-08 21:59", AWAKE),  # Friday
        ("2026-05-08 22:00", ASLEEP),
        ("2026-05-09 05:59", ASLEEP),  # Saturday, but the night began on Friday
        ("2026-05-09 06:00", AWAKE),
        ("2026-05-09 22:00", AWAKE),
        ("2026-05-08 03:00", AWAKE),  # the night that began on Thursday
    ],
)
def test_a_night_belongs_to_the_day_it_begins_on(now: str, says: WorkerStatus) -> None:
    assert schedule("fr", "22:00", "06:00").status_at(at(now), SEVILLA) is says


def test_a_schedule_that_is_not_active_says_awake_and_needs_no_look() -> None:
    inactive = schedule(active=False)

    assert inactive.status_at(at("2026-05-04 12:00"), SEVILLA) is AWAKE
    assert inactive.next_check(at("2026-05-04 12:00"), SEVILLA) is None


@pytest.mark.parametrize(
    ("days", "start", "end", "now", "next_look"),
    [
        ("", "09:00", "17:00", "2026-05-04 08:00", "2026-05-04 09:00"),
        ("", "09:00", "17:00", "2026-05-04 09:00", "2026-05-04 17:00"),
        ("", "09:00", "17:00", "2026-05-04 18:00", "2026-05-05 00:00"),
        ("fr", "09:00", "17:00", "2026-05-04 10:00", "2026-05-05 00:00"),
        ("", "22:00", "06:00", "2026-05-04 22:00", "2026-05-05 06:00"),  # not at midnight
        ("", "22:00", "06:00", "2026-05-05 02:00", "2026-05-05 06:00"),
        ("sa", "", "", "2026-05-09 12:00", "2026-05-10 00:00"),
    ],
)
def test_it_is_looked_at_again_at_the_next_start_end_or_midnight(
    days: str, start: str, end: str, now: str, next_look: str
) -> None:
    found = schedule(days, start, end).next_check(at(now), SEVILLA)

    assert found == at(next_look)


def test_when_clocks_go_back_a_night_is_an_hour_longer() -> None:
    # At 03:00 of 25 October 2026 it is 02:00 again.
    night = schedule("sa", "22:00", "06:00")

    begin = night.next_check(at("2026-10-24 12:00"), SEVILLA)
    end = night.next_check(at("2026-10-24 22:00"), SEVILLA)

    assert begin is not None
    assert end is not None
    assert end - begin == timedelta(hours=9)
    for hours in range(9):
        assert night.status_at(begin + timedelta(hours=hours), SEVILLA) is ASLEEP
    assert night.status_at(end, SEVILLA) is AWAKE


def test_an_hour_that_comes_twice_is_slept_through_once() -> None:
    nap = schedule("su", "02:15", "02:45")
    first = datetime(2026, 10, 25, 2, 30, tzinfo=SEVILLA)

    assert nap.status_at(first, SEVILLA) is ASLEEP
    assert nap.status_at(first.replace(fold=1), SEVILLA) is AWAKE


def test_a_time_that_is_left_out_comes_an_hour_later() -> None:
    # At 02:00 of 29 March 2026 it is 03:00.
    morning = schedule("su", "02:30", "06:00")

    begin = morning.next_check(at("2026-03-29 01:00"), SEVILLA)

    assert begin == datetime(2026, 3, 29, 1, 30, tzinfo=UTC) == at("2026-03-29 03:30")
    assert morning.status_at(at("2026-03-29 05:59"), SEVILLA) is ASLEEP


@pytest.mark.parametrize("start", ["00:00", "02:30", "09:00", "22:00", ""])
@pytest.mark.parametrize("end", ["00:00", "02:30", "06:00", "17:00", ""])
@pytest.mark.parametrize("day", ["2026-03-27", "2026-10-23", "2026-05-04"])
def test_it_changes_its_mind_at_no_other_moment(start: str, end: str, day: str) -> None:
    watched = schedule("fr sa su", start, end)
    now, until = at(f"{day} 12:00"), at(f"{day} 12:00") + timedelta(days=4)

    while now < until:
        said, look = watched.status_at(now, SEVILLA), watched.next_check(now, SEVILLA)
        assert look is not None
        assert now < look <= now + timedelta(hours=25)
        minutes = range(0, int((look - now).total_seconds() // 60), 15)
        assert {watched.status_at(now + timedelta(minutes=m), SEVILLA) for m in minutes} == {said}
        now = look


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("Monday tue  WE", "mo tu we"), ("su sa su", "sa su"), ("", ""), ("  \n", "")],
)
def test_days_are_cut_to_two_letters(typed: str, kept: str) -> None:
    assert schedule(typed).days_of_week == kept


def test_times_are_kept_as_they_are_shown() -> None:
    parsed = schedule("", "9:05", "")

    assert (parsed.start_time, parsed.end_time) == ("09:05", "")


@pytest.mark.parametrize(
    ("days", "start", "end", "in_sentence"),
    [
        ("m", "", "", '"m" is no day'),
        ("mo xx", "", "", '"xx" is no day'),
        ("mo-fr", "", "", '"mo-fr" is no day'),
        ("mo,tu", "", "", '"mo,tu" is no day'),
        ("", "25:99", "", '"25:99" is no time'),
        ("", "", "24:00", '"24:00" is no time'),
        ("", "nine", "", '"nine" is no time'),
        ("", "09:00:00", "", '"09:00:00" is no time'),
        ("", "\u0660\u0669:\u0660\u0660", "", "is no time"),
    ],
)
def test_words_and_times_that_mean_nothing_are_refused(
    days: str, start: str, end: str, in_sentence: str
) -> None:
    with pytest.raises(BadSchedule, match=in_sentence):
        schedule(days, start, end)


@pytest.mark.parametrize(
    ("current", "pending", "is_due"),
    [
        (AWAKE, None, True),
        (ASLEEP, None, False),
        (ASLEEP, StatusRequest(AWAKE), True),
        (AWAKE, StatusRequest(ASLEEP, is_lazy=True), True),
        (AWAKE, StatusRequest(ASLEEP), False),
        (WorkerStatus.OFFLINE, None, True),
        (WorkerStatus.ERROR, None, False),
    ],
)
def test_a_schedule_asks_for_sleep_unless_that_is_so_or_was_asked_for(
    current: WorkerStatus, pending: StatusRequest | None, is_due: bool
) -> None:
    assert is_request_due(current, pending, ASLEEP) is is_due


@pytest.mark.parametrize(
    ("days", "start", "end", "now", "until"),
    [
        ("", "22:00", "08:00", "2026-05-04 23:00", "2026-05-05 08:00"),
        ("", "22:00", "08:00", "2026-05-05 07:59", "2026-05-05 08:00"),
        ("sa su", "", "", "2026-05-09 12:00", "2026-05-11 00:00"),  # two days, one sleep
        ("mo", "", "", "2026-05-04 12:00", "2026-05-05 00:00"),
    ],
)
def test_sleep_goes_on_until_no_interval_follows(
    days: str, start: str, end: str, now: str, until: str
) -> None:
    assert schedule(days, start, end).asleep_until(at(now), SEVILLA) == at(until)


@pytest.mark.parametrize(
    ("asleep", "now"),
    [
        (schedule("", "22:00", "08:00"), "2026-05-04 12:00"),  # awake
        (schedule("", "22:00", "08:00", active=False), "2026-05-04 23:00"),
        (schedule(), "2026-05-04 12:00"),  # always asleep
    ],
)
def test_sleep_that_is_not_or_does_not_end_has_no_end(asleep: SleepSchedule, now: str) -> None:
    assert asleep.asleep_until(at(now), SEVILLA) is None
