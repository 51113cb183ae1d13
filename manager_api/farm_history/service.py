"""Answers about the farm's history."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.farm_history import (
    FarmHistory,
    HistoryBy,
    HistoryFigures,
    HistoryGroup,
)
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import WorkerRow
from manager_api.farm_history import queries
from manager_api.farm_history.queries import Figures, Period, Sampled
from workflows.domain.farm_history import HOUR, period, zone_of

#: The most groups in an answer; a farm has fewer workers, and users may make up projects.
MOST_GROUPS = 1000
#: The longest periods.
LONGEST = timedelta(days=366)
LONGEST_IN_HOURS = timedelta(days=31)


class HistoryService:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def history(
        self, start: datetime | None, end: datetime | None, by: HistoryBy, zone_name: str
    ) -> FarmHistory:
        """Return the figures of a period.

        Raises:
            BadPeriod: the period or the zone is not valid.
        """
        zone, now = zone_of(zone_name), utc_now()
        longest = LONGEST_IN_HOURS if by is HistoryBy.HOUR else LONGEST
        asked = Period(*period(start, end, now, zone, longest))
        async with self._database.reading() as session:
            since = await queries.beginning(session)
            hours_asked = by in (HistoryBy.HOUR, HistoryBy.DAY)
            groups = HistoryBy.HOUR if by is HistoryBy.CAUSE else by
            found = await queries.figures(session, asked, groups, now)
            if by is HistoryBy.CAUSE:
                rows = _by_cause(await queries.causes(session, asked))
            elif hours_asked:
                sampled = await queries.samples(session, asked)
                rows = _by_time(asked, found, sampled, by, zone, now)
            else:
                rows = await _by_group(session, found, by)
        total = _sum(found.values())
        return FarmHistory(
            start=asked.start,
            end=asked.end,
            by=by,
            zone=zone_name,
            **({} if since is None else {"since": since}),
            total=HistoryFigures(**total.told()),
            rows=rows[:MOST_GROUPS],
            left_off=max(0, len(rows) - MOST_GROUPS),
        )


def _sum(figures: Iterable[Figures]) -> Figures:
    total = Figures()
    for each in figures:
        total.add(each)
    return total


def _by_cause(causes: Mapping[str, int]) -> list[HistoryGroup]:
    ordered = sorted(causes.items(), key=lambda each: (-each[1], each[0]))
    return [HistoryGroup(name=cause, **Figures(failed=failed).told()) for cause, failed in ordered]


async def _by_group(
    session: AsyncSession, found: Mapping[str, Figures], by: HistoryBy
) -> list[HistoryGroup]:
    names: Mapping[str, str] = {}
    if by is HistoryBy.WORKER:
        # All workers, because the ids may be more than a query takes.
        query = select(WorkerRow.id, WorkerRow.name)
        names = {row.id: row.name for row in await session.execute(query)}
    ordered = sorted(found.items(), key=lambda each: (-each[1].busy_ms, each[0]))
    return [
        HistoryGroup(
            name=names.get(key, "") if by is HistoryBy.WORKER else key,
            **({"id": key} if by is HistoryBy.WORKER and key else {}),
            **figures.told(),
        )
        for key, figures in ordered
    ]


def _by_time(
    asked: Period,
    found: Mapping[datetime, Figures],
    sampled: Mapping[datetime, Sampled],
    by: HistoryBy,
    zone: ZoneInfo,
    now: datetime,
) -> list[HistoryGroup]:
    """Return a row for each hour or day of the period that has begun, also if nothing happened."""
    buckets: dict[datetime, list[datetime]] = {}
    hour = asked.start
    while hour < min(asked.end, now):
        start = hour if by is HistoryBy.HOUR else _day_of(hour, zone)
        buckets.setdefault(start, []).append(hour)
        hour += HOUR
    return [_bucket(start, hours, found, sampled, now) for start, hours in buckets.items()]


def _day_of(hour: datetime, zone: ZoneInfo) -> datetime:
    return hour.astimezone(zone).replace(hour=0, minute=0, fold=0).astimezone(UTC)


def _bucket(
    start: datetime,
    hours: list[datetime],
    found: Mapping[datetime, Figures],
    sampled: Mapping[datetime, Sampled],
    now: datetime,
) -> HistoryGroup:
    figures = _sum(found[hour] for hour in hours if hour in found)
    seen = [hour for hour in hours if hour in sampled]
    farm: dict[str, Any] = {}
    if seen:
        waiting: Counter[str] = Counter()
        for hour in seen:
            waiting.update(sampled[hour].waiting)
        available_s = sum(
            sampled[hour].slots * (min(hour + HOUR, now) - hour).total_seconds() for hour in seen
        )
        farm = {
            "available_s": available_s,
            "ready": sum(sampled[hour].ready for hour in seen) / len(seen),
            "waiting": {cause: tasks / len(seen) for cause, tasks in sorted(waiting.items())},
        }
        if available_s:
            # Time of hours that were not sampled says nothing about these workers.
            busy_s = _sum(found[hour] for hour in seen if hour in found).busy_ms / 1000
            farm["utilisation"] = min(1.0, busy_s / available_s)
    return HistoryGroup(name=start.isoformat(), start=start, **farm, **figures.told())
