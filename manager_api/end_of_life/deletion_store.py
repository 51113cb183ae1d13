"""Jobs that are to be deleted: asked for, carried out piece by piece, told of.

A request is safe once its transaction is committed; what is left of it is found by `pages`.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Changed, Database, Session, utc_now
from manager_api.database.payloads import JOBS, job_deleted, job_event
from manager_api.database.tables import FarmRow, JobRow
from manager_api.jobs import task_store as tasks
from manager_api.jobs.store import job_to_change
from workflows.domain.messages import LONGEST_REASON

_PAGE = 100


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """A job whose deletion was asked for."""

    id: str
    requested_at: datetime
    is_ended: bool
    """No run owns it: it can be deleted."""
    shaman_checkout_id: str


def request(session: Session, row: JobRow) -> None:
    """Marks a job, held against other writers, for deletion; once."""
    if row.delete_requested_at is None:
        row.delete_requested_at = row.updated = utc_now()
        events.append(session, JOBS, job_event(row))
        session.changed.add(Changed.FARM)


async def request_some(session: Session, updated_max: datetime, at_most: int) -> int:
    """Marks jobs that last changed then or before, oldest change first; returns how many."""
    query = (
        select(JobRow)
        .where(
            JobRow.updated <= updated_max,
            JobRow.delete_requested_at.is_(None),
            # Somebody archived them to keep them.
            JobRow.archived_at.is_(None),
        )
        .order_by(JobRow.updated, JobRow.id)
        .limit(at_most)
        .with_for_update(key_share=True)
    )
    rows = (await session.scalars(query)).all()
    for row in rows:
        request(session, row)
    return len(rows)


async def pages(db: Database) -> AsyncIterator[Sequence[PendingDeletion]]:
    """Jobs that wait for their deletion, in the order of the requests; not all have ended.

    A farm's whole history may be among them, so there are never many at a time.
    """
    last: PendingDeletion | None = None
    while True:
        async with db.reading() as session:
            page = await _page(session, last)
        if page:
            yield page
        if len(page) < _PAGE:
            return
        last = page[-1]


async def _page(session: AsyncSession, after: PendingDeletion | None) -> Sequence[PendingDeletion]:
    order = (JobRow.delete_requested_at, JobRow.id)
    query = (
        select(JobRow.id, JobRow.delete_requested_at, JobRow.is_ended, JobRow.shaman_checkout_id)
        .where(JobRow.delete_requested_at.is_not(None))
        .order_by(*order)
        .limit(_PAGE)
    )
    if after is not None:
        query = query.where(tuple_(*order) > (after.requested_at, after.id))
    return [
        PendingDeletion(job_id, requested_at, is_ended, checkout_id)
        for job_id, requested_at, is_ended, checkout_id in await session.execute(query)
        if requested_at is not None
    ]


async def is_checkout_of_others(session: AsyncSession, pending: PendingDeletion) -> bool:
    """Whether a job that stays uses the same checkout."""
    query = select(JobRow.id).where(
        JobRow.shaman_checkout_id == pending.shaman_checkout_id,
        JobRow.id != pending.id,
        JobRow.delete_requested_at.is_(None),
    )
    return await session.scalar(query.limit(1)) is not None


async def count_waiting(session: AsyncSession) -> int:
    query = select(func.count()).where(JobRow.delete_requested_at.is_not(None))
    return await session.scalar(query) or 0


async def explain_delay(session: Session, job_id: str, why: str) -> None:
    """Shows to whoever looks at the job why it is still there."""
    row = await _pending_to_change(session, job_id)
    if row is not None and row.activity != why[:LONGEST_REASON]:
        row.activity = why[:LONGEST_REASON]
        events.append(session, JOBS, job_event(row))


async def delete_some_tasks(session: Session, job_id: str, at_most: int) -> bool:
    """Of an ended job that is to be deleted; returns whether some are left.

    A hundred thousand at once would keep everybody else waiting.
    """
    if await _pending_to_change(session, job_id) is None:
        return False
    return await tasks.delete_some(session, job_id, at_most)


async def delete_job(session: Session, job_id: str) -> bool:
    """Deletes an ended job's row and what is below it, and tells of it; false: not there."""
    row = await _pending_to_change(session, job_id)
    if row is None:
        return False
    await session.execute(delete(JobRow).where(JobRow.id == job_id))
    session.expunge(row)
    was_last = FarmRow.last_rendered_job_id == job_id
    await session.execute(update(FarmRow).where(was_last).values(last_rendered_job_id=None))
    events.append(session, JOBS, job_deleted(job_id))
    session.changed.add(Changed.FARM)
    return True


async def _pending_to_change(session: Session, job_id: str) -> JobRow | None:
    row = await job_to_change(session, job_id)
    if row is None or row.delete_requested_at is None or not row.is_ended:
        return None
    return row
