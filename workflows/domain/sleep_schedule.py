"""When a worker sleeps by its schedule, and when that has to be looked at again.

Source: Flamenco 3.9, but: an interval may go over midnight, and then its day is the one it begins
on; words and times that mean nothing are refused.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from workflows.domain.statuses import WorkerStatus
from workflows.domain.worker import StatusRequest

#: In the order of `date.weekday()`.
DAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")

_MIDNIGHT = time()
_DAY = timedelta(days=1)
_TIME = re.compile(r"(\d{1,2}):(\d{2})", re.ASCII)


class BadSchedule(ValueError):
    """The sentence says which word or time means nothing."""


@dataclass(frozen=True, slots=True)
class SleepSchedule:
    """Moments are aware datetimes. `zone` is where the clock hangs that the schedule goes by; None:
    the time zone of this machine.
    """

    is_active: bool
    days: tuple[str, ...] = ()
    """Of `DAYS`, in their order; empty: every day."""
    start: time | None = None
    """None: from midnight."""
    end: time | None = None
    """None: until midnight. Before `start`: on the next day."""

    @classmethod
    def parse(
        cls, *, is_active: bool, days_of_week: str, start_time: str, end_time: str
    ) -> "SleepSchedule":
        """As people write it: `Monday tue we`, `22:00`.

        Raises:
            BadSchedule: see there.
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
        """What it says a worker should be: one that is not active says `awake`."""
        is_asleep = self.is_active and any(
            begin <= now < end for begin, end in self._intervals_around(now, zone)
        )
        return WorkerStatus.ASLEEP if is_asleep else WorkerStatus.AWAKE

    def next_check(self, now: datetime, zone: tzinfo | None = None) -> datetime | None:
        """When it says something new, or says the same again: at its next start or end, or at
        midnight, unless the worker is to sleep through that. In UTC; None: never.
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
        self, now: datetime, zone: tzinfo | None
    ) -> Iterator[tuple[datetime, datetime]]:
        """Those that begin yesterday, today or tomorrow, each up to its end, exclusive."""
        for offset in (-1, 0, 1):
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
    """Whether a schedule must ask for what it says: at once, whatever is pending. A worker in error
    needs a human first.
    """
    if current is WorkerStatus.ERROR:
        return False
    if current is scheduled and pending is None:
        return False
    return pending != StatusRequest(scheduled)


def _today(now: datetime, zone: tzinfo | None) -> date:
    return now.astimezone(zone).date()


def _moment(day: date, at: time, zone: tzinfo | None) -> datetime:
    """When a clock shows this. Of an hour that comes twice the first is meant; a time that is left
    out when clocks go forward comes as much later as they do.
    """
    return datetime.combine(day, at, tzinfo=zone).astimezone(UTC)


def _day(word: str) -> str:
    day = word.lower()[:2]
    # "mo-fr" is no range, and must not silently become Monday.
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
