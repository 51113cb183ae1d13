"""Counts ended tries in the farm's history, in the transaction that ends them.

A projection write is stored once, and so each end is counted once.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import Table, select
from sqlalchemy.dialects import postgresql, sqlite

from manager_api.database.engine import Session
from manager_api.database.tables import (
    HistoryCauseRow,
    HistoryRow,
    JobRow,
    WorkerTagRow,
    table_of,
)
from workflows.domain.farm_history import cause_of, hour_of, shares
from workflows.domain.statuses import TaskStatus

#: The steps of these tasks are frames.
FRAMES_TYPE = "blender"
#: The most causes that an hour counts apart; workers may report any text.
MOST_CAUSES = 100
OTHER_CAUSES = "other causes"
_LONGEST_WORD = 255

_FIGURES = ("completed", "failed", "interrupted", "frames", "busy_ms", "lost_ms")


class Ended(NamedTuple):
    """A try of a task that has ended."""

    task_type: str
    status: TaskStatus
    """The task's status after the try."""
    activity: str
    worker_id: str | None
    started_at: datetime | None
    ended_at: datetime
    frames: int
    """The task's frames, or other steps."""


async def count_ended(session: Session, job: JobRow, tries: Sequence[Ended]) -> None:
    """Add the tries to their hours. Call it last: it locks rows that other jobs change, too."""
    if not tries:
        return
    project, person = words_of(job.job_metadata)
    tag = await session.get(WorkerTagRow, job.worker_tag_id) if job.worker_tag_id else None
    of_job = {"project": project, "person": person, "tag": tag.name if tag else ""}
    hours: defaultdict[tuple[datetime, str], dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(_FIGURES, 0)
    )
    causes: defaultdict[tuple[datetime, str], int] = defaultdict(int)
    for each in tries:
        cause = cause_of(each.status, each.activity)
        _add(hours, each, has_failed=bool(cause))
        if cause:
            causes[hour_of(each.ended_at), cause] += 1
    await _add_to(
        session,
        table_of(HistoryRow),
        # All transactions lock the rows in one order.
        [
            {"hour": hour, "worker_id": worker_id, **of_job, **figures}
            for (hour, worker_id), figures in sorted(hours.items())
        ],
    )
    if causes:
        await _count_causes(session, causes)


def words_of(metadata: Mapping[str, str]) -> tuple[str, str]:
    """Return the project and the user that a job's metadata names; empty without."""
    project, person = (metadata.get(key, "")[:_LONGEST_WORD] for key in ("project", "user.name"))
    return project, person


def _add(
    hours: Mapping[tuple[datetime, str], dict[str, int]], ended: Ended, *, has_failed: bool
) -> None:
    is_done = ended.status is TaskStatus.COMPLETED
    worker_id = ended.worker_id or ""
    row = hours[hour_of(ended.ended_at), worker_id]
    row["completed" if is_done else "failed" if has_failed else "interrupted"] += 1
    if is_done and ended.task_type == FRAMES_TYPE:
        row["frames"] += ended.frames
    if ended.started_at is None:
        return
    for hour, milliseconds in shares(ended.started_at, ended.ended_at):
        row = hours[hour, worker_id]
        row["busy_ms"] += milliseconds
        row["lost_ms"] += 0 if is_done else milliseconds


async def _count_causes(session: Session, causes: Mapping[tuple[datetime, str], int]) -> None:
    counts: defaultdict[tuple[datetime, str], int] = defaultdict(int)
    known: dict[datetime, set[str]] = {}
    for (hour, cause), failed in causes.items():
        if hour not in known:
            query = select(HistoryCauseRow.cause).where(HistoryCauseRow.hour == hour)
            known[hour] = set(await session.scalars(query))
        is_kept = cause in known[hour] or len(known[hour]) < MOST_CAUSES
        shown = cause if is_kept else OTHER_CAUSES
        known[hour].add(shown)
        counts[hour, shown] += failed
    rows = [
        {"hour": hour, "cause": cause, "failed": failed}
        for (hour, cause), failed in sorted(counts.items())
    ]
    await _add_to(session, table_of(HistoryCauseRow), rows)


async def _add_to(session: Session, table: Table, rows: list[dict[str, Any]]) -> None:
    """Insert rows; add their figures to those of the rows that exist."""
    dialect = (await session.connection()).dialect.name
    await session.execute(_adding(table, dialect), rows)


@cache
def _adding(table: Table, dialect: str) -> Any:
    insert = sqlite.insert if dialect == "sqlite" else postgresql.insert
    statement = insert(table)
    return statement.on_conflict_do_update(
        index_elements=list(table.primary_key),
        set_={
            column: table.c[column.name] + statement.excluded[column.name]
            for column in table.c
            if not column.primary_key
        },
    )
