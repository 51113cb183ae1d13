"""The list of all jobs, which the dashboard, add-ons and scripts ask for again and again."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Text, cast, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.answers import ShownJob
from manager_api.contract.jobs import Job
from manager_api.database.tables import JobRow, table_of
from workflows.domain.statuses import JobStatus

#: Makes the answer of a job and the number of its stuck tasks.
Answer = Callable[[ShownJob, int], Job]
#: The most jobs whose JSON text is remembered.
_REMEMBERED = 2000
#: Longer settings and metadata of a job, in characters, are not remembered.
_LONG = 4000


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


def as_json(row: ListedJob, tasks_stuck: int, answer: Answer) -> bytes:
    """Return a job's answer as JSON text.

    The text depends on the row alone, and most jobs are the same as in the last answer. So texts
    are remembered by the whole row.
    """
    is_long = len(row.settings_text) + len(row.metadata_text) > _LONG
    return (_as_json if is_long else _remembered)(row, tasks_stuck, answer)


def _as_json(row: ListedJob, tasks_stuck: int, answer: Answer) -> bytes:
    return answer(row, tasks_stuck).model_dump_json(exclude_none=True).encode()


# Of Flamenco's list and of ours.
_remembered = lru_cache(2 * _REMEMBERED)(_as_json)
