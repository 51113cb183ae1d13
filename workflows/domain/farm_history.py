"""The farm's history: how time is shared out over hours, and what counts as a failure. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from workflows.domain.reasons import likeness, reason_in
from workflows.domain.statuses import TaskStatus

HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_MILLISECOND = timedelta(milliseconds=1)
#: A try is shared out over its last so many hours. Only a clock that jumps makes longer ones.
_LONGEST = timedelta(days=31)
#: The longest text of a cause, in characters.
LONGEST_CAUSE = 160
#: A cause that gave no reason.
UNKNOWN_CAUSE = "no reason given"

_FAILED = frozenset({TaskStatus.FAILED, TaskStatus.SOFT_FAILED})
#: Outside of them, a time may have no equal in another time zone.
_FIRST_YEAR, _LAST_YEAR = 1971, 9000
_OUT_OF_RANGE = f"times must be in the years {_FIRST_YEAR} to {_LAST_YEAR}"
#: With these a spreadsheet begins a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def hour_of(at: datetime) -> datetime:
    """Return the beginning of the hour."""
    return at.replace(minute=0, second=0, microsecond=0)


def shares(start: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    """Yield the hours between two times, and the milliseconds in each, oldest first."""
    start = max(start, end - _LONGEST)
    while start < end:
        hour = hour_of(start)
        until = min(hour + HOUR, end)
        yield hour, (until - start) // _MILLISECOND
        start = until


def cause_of(status: TaskStatus, activity: str) -> str:
    """Return why a try failed, without its numbers and paths; empty if it did not fail.

    Args:
        status: the task's status after the try.
        activity: the task's activity then.
    """
    reason = reason_in(activity)
    if not reason and status not in _FAILED:
        return ""
    return likeness(reason).strip()[:LONGEST_CAUSE] or UNKNOWN_CAUSE


def spreadsheet_safe(text: str) -> str:
    """Return the text of a cell, with a quote before it if a spreadsheet took it for a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


class BadPeriod(ValueError):
    """The period cannot be answered; the text says why."""


def zone_of(name: str) -> ZoneInfo:
    """Return the time zone.

    Raises:
        BadPeriod: there is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        shown = name[:64]
        raise BadPeriod(f'there is no time zone "{shown}"; one is Europe/Madrid') from error


def period(
    start: datetime | None, end: datetime | None, now: datetime, zone: ZoneInfo, longest: timedelta
) -> tuple[datetime, datetime]:
    """Return the full hours of a period, in UTC; by default those of the last day.

    Args:
        start: the beginning; in `zone` if it names no zone.
        end: the end, likewise.
        now: the time.
        zone: a time zone.
        longest: the longest period.

    Raises:
        BadPeriod: it is empty, too long, or out of range.
    """
    try:
        until = now if end is None else _in_utc(end, zone)
        begin = until - _DAY if start is None else _in_utc(start, zone)
    except OverflowError as error:
        raise BadPeriod(_OUT_OF_RANGE) from error
    if begin.year < _FIRST_YEAR or until.year > _LAST_YEAR:
        raise BadPeriod(_OUT_OF_RANGE)
    first, last = hour_of(begin), hour_of(until - _MILLISECOND) + HOUR
    if begin >= until:
        raise BadPeriod("the period ends before it begins: `from` must be before `to`")
    if last - first > longest + HOUR:
        raise BadPeriod(f"the period is too long: at most {longest // _DAY} days are answered")
    return first, last


def _in_utc(at: datetime, zone: ZoneInfo) -> datetime:
    return (at.replace(tzinfo=zone) if at.tzinfo is None else at).astimezone(UTC)
