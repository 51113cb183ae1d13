"""Periods, hours and cells of the farm's history."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.domain.farm_history import (
    HOUR,
    BadPeriod,
    cause_of,
    period,
    shares,
    spreadsheet_safe,
    zone_of,
)
from workflows.domain.statuses import TaskStatus

NOW = datetime(2026, 11, 30, 3, 25, tzinfo=UTC)
MADRID = zone_of("Europe/Madrid")
YEAR = timedelta(days=366)
#: In milliseconds.
LENGTHS = st.integers(0, 20 * 24 * 3_600_000)


def local(text: str) -> datetime:
    """Return a time that names no zone."""
    return datetime.fromisoformat(text)


@given(st.datetimes(local("2020-01-01"), local("2030-01-01"), timezones=st.just(UTC)), LENGTHS)
def test_shares_are_the_whole_time_and_none_is_longer_than_its_hour(
    start: datetime, milliseconds: int
) -> None:
    start = start.replace(microsecond=0)
    found = list(shares(start, start + timedelta(milliseconds=milliseconds)))

    assert sum(share for _, share in found) == milliseconds
    assert all(0 < share <= 3_600_000 for _, share in found)
    assert all(later - hour == HOUR for (hour, _), (later, _) in pairwise(found))


def test_a_clock_that_jumped_by_years_makes_no_long_list() -> None:
    assert len(list(shares(datetime(1970, 1, 1, tzinfo=UTC), NOW))) <= 31 * 24 + 1
    assert list(shares(NOW, NOW - HOUR)) == []


@pytest.mark.parametrize(
    ("status", "activity", "cause"),
    [
        (TaskStatus.COMPLETED, "", ""),
        (TaskStatus.CANCELED, "Canceled by Camarón", ""),
        (TaskStatus.FAILED, "Failed: exit code 11", "exit code #"),
        (TaskStatus.FAILED, "", "no reason given"),
        (TaskStatus.SOFT_FAILED, "Failed: " + "a" * 999, "a" * 160),
        (
            TaskStatus.QUEUED,
            'Task was queued by Manager because of a fault of worker "x": no GPU 3',
            "no GPU #",
        ),
    ],
)
def test_a_failure_has_a_cause_without_numbers(
    status: TaskStatus, activity: str, cause: str
) -> None:
    assert cause_of(status, activity) == cause


def test_by_default_a_period_is_the_last_day_in_full_hours() -> None:
    start, end = period(None, None, NOW, MADRID, YEAR)

    assert (start, end) == (NOW.replace(minute=0) - 24 * HOUR, NOW.replace(minute=0) + HOUR)


def test_times_without_a_zone_are_in_the_zone_of_the_question() -> None:
    start, end = period(local("2026-07-01"), local("2026-07-02"), NOW, MADRID, YEAR)

    assert start == datetime(2026, 6, 30, 22, tzinfo=UTC)
    assert end - start == timedelta(days=1)


@pytest.mark.parametrize(
    ("start", "end", "sentence"),
    [
        (NOW, NOW, "ends before it begins"),
        (NOW, NOW - HOUR, "ends before it begins"),
        (NOW - 2 * YEAR, NOW, "at most 366 days"),
        (local("0001-01-01T00:00"), local("0001-01-01T01:00"), "years 1971 to 9000"),
        (datetime(1, 1, 1, tzinfo=ZoneInfo("Asia/Tokyo")), NOW, "years 1971 to 9000"),
        (None, datetime(1, 1, 1, 5, tzinfo=UTC), "years 1971 to 9000"),
        (local("9999-12-31T23:00"), local("9999-12-31T23:59:59.9"), "years 1971 to 9000"),
    ],
)
def test_periods_that_cannot_be_answered(
    start: datetime | None, end: datetime, sentence: str
) -> None:
    with pytest.raises(BadPeriod, match=sentence):
        period(start, end, NOW, MADRID, YEAR)


@pytest.mark.parametrize("name", ["", "Europe", "../etc/passwd", "Mars/Olympus", "a\0b", "a" * 999])
def test_zones_that_do_not_exist(name: str) -> None:
    with pytest.raises(BadPeriod, match="there is no time zone"):
        zone_of(name)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_is_no_formula(text: str) -> None:
    assert spreadsheet_safe(text) == f"'{text}"
    assert spreadsheet_safe("soleá = 1") == "soleá = 1"
