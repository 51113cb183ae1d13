"""The list of jobs, which the dashboard, add-ons and scripts ask for again and again."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.answers import ShownJob
from manager_api.contract.jobs import Job
from manager_api.database.tables import JobRow, table_of
from workflows.domain.statuses import JobStatus

#: Makes the answer of a job and the number of its stuck tasks.
Answer = Callable[[ShownJob, int], Job]
#: The most jobs whose JSON text is kept, the newest ones. They take about 3 kB each.
MOST_KEPT = 20_000
#: Longer texts, in bytes, are not kept.
_LONG = 5000


class ListedJob(NamedTuple):
    """The columns of `JobRow` that the list shows; settings and metadata as JSON text."""

    id: str
    name: str
    job_type: str
    priority: int
    status: JobStatus
    activity: str
    settings_text: str
    metadata_text: str
    shaman_checkout_id: str
    worker_tag_id: str | None
    created: datetime
    updated: datetime
    steps_completed: int
    steps_total: int
    delete_requested_at: datetime | None
    owner: str | None
    waits_text: str | None
    task_counts_text: str | None
    render_ms: int
    render_steps: int

    @property
    def settings(self) -> dict[str, Any]:
        return dict(json.loads(self.settings_text))

    @property
    def job_metadata(self) -> dict[str, str]:
        return dict(json.loads(self.metadata_text))

    @property
    def waits(self) -> dict[str, Any] | None:
        return json.loads(self.waits_text) if self.waits_text else None

    @property
    def task_counts(self) -> dict[str, int] | None:
        return json.loads(self.task_counts_text) if self.task_counts_text else None


_jobs = table_of(JobRow).c
# Made once, and of columns: to make the query and objects of the mapping costs more than all else.
_QUERY = (
    select(
        _jobs.id,
        _jobs.name,
        _jobs.job_type,
        _jobs.priority,
        _jobs.status,
        _jobs.activity,
        cast(_jobs.settings, Text),
        cast(_jobs.metadata, Text),
        _jobs.shaman_checkout_id,
        _jobs.worker_tag_id,
        _jobs.created,
        _jobs.updated,
        _jobs.steps_completed,
        _jobs.steps_total,
        _jobs.delete_requested_at,
        _jobs.owner,
        cast(_jobs.waits, Text),
        cast(_jobs.task_counts, Text),
        _jobs.render_ms,
        _jobs.render_steps,
    )
    .where(_jobs.archived_at.is_(None))
    .order_by(_jobs.created.desc(), _jobs.id.desc())
)


async def all_jobs(session: AsyncSession) -> Sequence[ListedJob]:
    """Return all jobs that are not archived, newest first."""
    return [ListedJob._make(row) for row in await session.execute(_QUERY)]


async def newest_jobs(session: AsyncSession, limit: int) -> Sequence[ListedJob]:
    """Return the first of these jobs, as many as `limit`."""
    return [ListedJob._make(row) for row in await session.execute(_QUERY.limit(limit))]


async def count_of_jobs(session: AsyncSession) -> int:
    """Return how many jobs are not archived."""
    query = select(func.count()).select_from(table_of(JobRow)).where(_jobs.archived_at.is_(None))
    return await session.scalar(query) or 0


def texts(rows: Sequence[ListedJob], tasks_stuck: Mapping[str, int], answer: Answer) -> list[bytes]:
    """Return the answers of all jobs as JSON texts.

    A text depends on the row alone, and most jobs are the same as in the last answer. So the texts
    of the last answer of each kind are kept, by the whole row.

    Args:
        tasks_stuck: how many tasks are stuck, by the job's id; jobs without any are left out.
    """
    found = _found(rows, tasks_stuck, answer)
    short = (each for each in found if len(each[1]) <= _LONG)
    _last_texts[answer] = dict(islice(short, MOST_KEPT))
    return [text for _, text in found]


def texts_of_some(
    rows: Sequence[ListedJob], tasks_stuck: Mapping[str, int], answer: Answer
) -> list[bytes]:
    """Return the answers of some of all jobs as `texts` does, and keep the texts that it kept."""
    return [text for _, text in _found(rows, tasks_stuck, answer)]


def _found(
    rows: Sequence[ListedJob], tasks_stuck: Mapping[str, int], answer: Answer
) -> list[tuple[tuple[ListedJob, int], bytes]]:
    before = _last_texts.get(answer, {})
    keys = [(row, tasks_stuck.get(row.id, 0)) for row in rows]
    return [(key, before.get(key) or as_json(*key, answer)) for key in keys]


def keep_ready(rows: Sequence[ListedJob], tasks_stuck: Mapping[str, int], answer: Answer) -> None:
    """Make some of the texts that the next call of `texts` with the same arguments needs."""
    kept = _last_texts.setdefault(answer, {})
    for key in ((row, tasks_stuck.get(row.id, 0)) for row in rows):
        if key not in kept and len(text := as_json(*key, answer)) <= _LONG:
            kept[key] = text


def as_json(row: ListedJob, tasks_stuck: int, answer: Answer) -> bytes:
    return answer(row, tasks_stuck).model_dump_json(exclude_none=True).encode()


_last_texts: dict[Answer, dict[tuple[ListedJob, int], bytes]] = {}
