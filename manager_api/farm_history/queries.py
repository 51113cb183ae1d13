"""Sums of the farm's history over a period."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, func, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.farm_history import HistoryBy
from manager_api.database.tables import (
    HistoryCauseRow,
    HistoryRow,
    HistorySampleRow,
    JobRow,
    TaskRow,
    WorkerTagRow,
    table_of,
)
from manager_api.farm_history.ledger import words_of
from workflows.domain.farm_history import shares

_hours, _causes = table_of(HistoryRow).c, table_of(HistoryCauseRow).c
_SUMS = [
    func.sum(_hours[name])
    for name in ("completed", "failed", "interrupted", "frames", "busy_ms", "lost_ms")
]
_KEYS: Mapping[HistoryBy, ColumnElement[Any]] = {
    HistoryBy.PROJECT: _hours.project,
    HistoryBy.USER: _hours.person,
    HistoryBy.WORKER: _hours.worker_id,
    HistoryBy.TAG: _hours.tag,
    HistoryBy.HOUR: _hours.hour,
    HistoryBy.DAY: _hours.hour,
}


class Period(NamedTuple):
    """Full hours."""

    start: datetime
    end: datetime


@dataclass(slots=True)
class Figures:
    """What `contract.farm_history.HistoryFigures` says, in milliseconds."""

    completed: int = 0
    failed: int = 0
    interrupted: int = 0
    frames: int = 0
    busy_ms: int = 0
    lost_ms: int = 0

    def add(self, other: "Figures") -> None:
        self.completed += other.completed
        self.failed += other.failed
        self.interrupted += other.interrupted
        self.frames += other.frames
        self.busy_ms += other.busy_ms
        self.lost_ms += other.lost_ms

    def told(self) -> dict[str, Any]:
        return {
            "completed": self.completed,
            "failed": self.failed,
            "interrupted": self.interrupted,
            "frames": self.frames,
            "busy_s": self.busy_ms / 1000,
            "lost_s": self.lost_ms / 1000,
        }


@dataclass(slots=True)
class Sampled:
    """The farm in an hour, on average."""

    slots: float = 0.0
    ready: float = 0.0
    waiting: Mapping[str, float] = field(default_factory=dict)


async def figures(
    session: AsyncSession, period: Period, by: HistoryBy, now: datetime
) -> dict[Any, Figures]:
    """Return the figures by project, user, worker id, tag, or hour; tasks at work included."""
    key = _KEYS[by]
    query = (
        select(key, *_SUMS)
        .where(_hours.hour >= period.start, _hours.hour < period.end)
        .group_by(key)
    )
    found: defaultdict[Any, Figures] = defaultdict(Figures)
    for group, *sums in await session.execute(query):
        found[group] = Figures(*map(int, sums))
    for words, start in await _at_work(session):
        for hour, milliseconds in shares(start, now):
            if period.start <= hour < period.end:
                found[words.get(by, hour)].busy_ms += milliseconds
    return found


async def causes(session: AsyncSession, period: Period) -> dict[str, int]:
    """Return how many tries failed, by cause."""
    query = (
        select(_causes.cause, func.sum(_causes.failed))
        .where(_causes.hour >= period.start, _causes.hour < period.end)
        .group_by(_causes.cause)
    )
    return {cause: int(failed) for cause, failed in await session.execute(query)}


async def samples(session: AsyncSession, period: Period) -> dict[datetime, Sampled]:
    """Return the samples by hour."""
    query = select(HistorySampleRow).where(
        HistorySampleRow.hour >= period.start, HistorySampleRow.hour < period.end
    )
    return {
        row.hour: Sampled(
            row.slots / row.samples,
            row.ready / row.samples,
            {cause: tasks / row.samples for cause, tasks in row.waiting.items()},
        )
        for row in await session.scalars(query)
    }


async def beginning(session: AsyncSession) -> datetime | None:
    """Return the first hour of which there is history."""
    oldest = [
        await session.scalar(select(func.min(column)))
        for column in (HistoryRow.hour, HistorySampleRow.hour)
    ]
    return min((hour for hour in oldest if hour is not None), default=None)


async def _at_work(
    session: AsyncSession,
) -> Iterable[tuple[Mapping[HistoryBy, str], datetime]]:
    """Return what the tries that have not ended belong to, and when they began."""
    query = (
        select(TaskRow.worker_id, TaskRow.started_at, JobRow.job_metadata, WorkerTagRow.name)
        .join(JobRow, JobRow.id == TaskRow.job_id)
        .outerjoin(WorkerTagRow, WorkerTagRow.id == JobRow.worker_tag_id)
        # A literal: with a parameter, SQLite would not use the index of active tasks.
        .where(literal_column("tasks.status = 'active'"))
    )
    found: list[tuple[Mapping[HistoryBy, str], datetime]] = []
    for worker_id, started_at, metadata, tag in await session.execute(query):
        project, person = words_of(metadata)
        words = {
            HistoryBy.PROJECT: project,
            HistoryBy.USER: person,
            HistoryBy.WORKER: worker_id or "",
            HistoryBy.TAG: tag or "",
        }
        if started_at is not None:
            found.append((words, started_at))
    return found
