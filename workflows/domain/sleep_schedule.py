"""Tells when a worker sleeps by its schedule, and when to check the schedule again.

Source: Flamenco 3.9, with two differences. An interval may go over midnight; it then belongs to
the day on which it begins. Words and times without a meaning are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import StatusRequest

#: The days of the week, in the order of `date.weekday()`.
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")

_MIDNIGHT = time()
_DAY = timedelta(days=1)
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)


class BadSchedule(ValueError):
    """A schedule has a word or time without a meaning; the message says which."""


@dataclass(frozen=True, slots=True)
class SleepSchedule:
    """A worker's sleep schedule.

    Moments are aware datetimes. `zone` is the time zone of the schedule's times; None means the
    time zone of this machine.
    """

    is_active: bool
    days: tuple[str, ...] = ()
    """Some of `DAYS`, in their order; empty means every day."""
    start: time | None = None
    """None means from midnight."""
    end: time | None = None
    """None means until midnight. An end before `start` is on the next day."""

    @classmethod
    def parse(
        cls, *, is_active: bool, days_of_week: str, start_time: str, end_time: str
    ) -> "SleepSchedule":
        """Return the schedule that people wrote like this: `Monday tue we`, `22:00`.

        Raises:
            BadSchedule: a word is not a day, or a time is not valid.
        """
        days = {_day(word) for word in days_of_week.split()}
        in_order = tuple(day for day in DAYS if day in days)
        return cls(is_active, in_order, _time(start_time), _time(end_time))

    @property
    def days_of_week(self) -> str:
        return " ".join(self.days)

    @property
    def start_time(self) -> str:
        return _text(self.start)

    @property
    def end_time(self) -> str:
        return _text(self.end)

    def status_at(self, now: datetime, zone: tzinfo | None = None) -> WorkerStatus:
        """Return the worker's status by this schedule; `awake` if the schedule is not active."""
        is_asleep = self.is_active and any(
            begin <= now < end for begin, end in self._intervals_around(now, zone)
        )
        return WorkerStatus.ASLEEP if is_asleep else WorkerStatus.AWAKE

    def asleep_until(self, now: datetime, zone: tzinfo | None = None) -> datetime | None:
        """Return when the sleep of this moment ends, in UTC; None if it does not, or none is."""
        end = now
        for begin, until in self._intervals_around(now, zone, days_after=len(DAYS)):
            if begin <= end < until:
                end = until
        is_known = now < end <= now + len(DAYS) * _DAY
        return end if self.is_active and is_known else None

    def next_check(self, now: datetime, zone: tzinfo | None = None) -> datetime | None:
        """Return when to apply the schedule next, in UTC; None if it is not active.

        That is at its next start or end, or at midnight unless the worker sleeps then.
        """
        if not self.is_active:
            return None
        intervals = list(self._intervals_around(now, zone))
        midnight = _moment(_today(now, zone) + _DAY, _MIDNIGHT, zone)
        moments = [moment for interval in intervals for moment in interval]
        if not any(begin < midnight < end for begin, end in intervals):
            moments.append(midnight)
        return min(moment for moment in moments if moment > now)

    def _intervals_around(
        self, now: datetime, zone: tzinfo | None, days_after: int = 1
    ) -> Iterator[tuple[datetime, datetime]]:
        """Yield the intervals that begin from yesterday on; each end is exclusive."""
        for offset in range(-1, days_after + 1):
            day = _today(now, zone) + offset * _DAY
            if self.days and DAYS[day.weekday()] not in self.days:
                continue
            start = self.start or _MIDNIGHT
            goes_over = self.end is None or self.end < start
            last_day = day + _DAY if goes_over else day
            yield _moment(day, start, zone), _moment(last_day, self.end or _MIDNIGHT, zone)


def is_request_due(
    current: WorkerStatus, pending: StatusRequest | None, scheduled: WorkerStatus
) -> bool:
    """Return whether to request the schedule's status now, in place of any pending request.

    A worker in `error` gets no request, because a person has to look at it first.
    """
    if current is WorkerStatus.ERROR:
        return False
    if current is scheduled and pending is None:
        return False
    return pending != StatusRequest(scheduled)


def _today(now: datetime, zone: tzinfo | None) -> date:
    return now.astimezone(zone).date()


def _moment(day: date, at: time, zone: tzinfo | None) -> datetime:
    """Return the moment, in UTC, when a clock in the zone shows this day and time.

    If the time comes twice, the first one is meant. If the clock skips it when it goes forward,
    the moment is later by as much as the clock skips.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _day(word: str) -> str:
    day = word.lower()[:2]
    # "mo-fr" is not understood as a range, and must not silently become Monday.
    if day not in DAYS or not word.isalpha():
        raise BadSchedule(
            f'"{word[:40]}" is no day of the week; write them as {" ".join(DAYS)}, with spaces'
        )
    return day


def _time(text: str) -> time | None:
    if not text.strip():
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        raise BadSchedule(f'"{text[:40]}" is no time of the day; write it as HH:MM, 00:00 to 23:59')
    return time(int(found[1]), int(found[2]))


def _text(at: time | None) -> str:
    return "" if at is None else f"{at:%H:%M}"
