"""Jobs that are to be deleted: the requests, the deletion in pieces, and the events.

Once the transaction of a request is committed, the request is not forgotten: `pages` finds the jobs
that are still to be deleted.
"""

import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, func, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Changed, Database, Session, utc_now
from manager_api.database.payloads import JOBS, job_deleted, job_event
from manager_api.database.tables import FarmRow, JobRow
from manager_api.jobs import task_store as tasks
from manager_api.jobs.store import job_to_change
from workflows.domain.messages import LONGEST_REASON
from workflows.domain.shaman import NotAllowed, checkout_path

_PAGE = 100


@dataclass(frozen=True, slots=True)
class PendingDeletion:
    """A job whose deletion was requested."""

    id: str
    requested_at: datetime
    is_ended: bool
    """Whether the job can be deleted, because no run owns it."""
    shaman_checkout_id: str


def request(session: Session, row: JobRow) -> None:
    """Mark a locked job for deletion; do nothing if it is marked already."""
    if row.delete_requested_at is None:
        row.delete_requested_at = row.updated = utc_now()
        events.append(session, JOBS, job_event(row))
        session.changed.add(Changed.FARM)


async def request_some(session: Session, updated_max: datetime, at_most: int) -> int:
    """Mark jobs that last changed at `updated_max` or before; return how many were marked.

    The jobs whose last change is oldest come first. Archived jobs are left out.
    """
    query = (
        select(JobRow)
        .where(
            JobRow.updated <= updated_max,
            JobRow.delete_requested_at.is_(None),
            # A person archived these jobs to keep them.
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
    """Yield the jobs to delete in pages of at most 100, in the order of the requests.

    Some of the jobs may not have ended yet. A page is small, because the farm's whole history may
    be waiting for deletion.
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
    """Return whether a job that is not to be deleted uses the same checkout.

    So it does if its checkout is a folder above or in this one, or is written in another way: the
    submitter wrote it.
    """
    path = _path(pending.shaman_checkout_id)
    above = [path[:end] for end, letter in enumerate(path) if letter == "/"]
    theirs = func.lower(JobRow.shaman_checkout_id)
    query = select(JobRow.id).where(
        or_(theirs.in_([*above, path]), theirs.startswith(f"{path}/", autoescape=True)),
        JobRow.id != pending.id,
        JobRow.delete_requested_at.is_(None),
    )
    return await session.scalar(query.limit(1)) is not None


def _path(checkout_id: str) -> str:
    """Return a checkout's path, in lower case: some storages ignore case."""
    with contextlib.suppress(NotAllowed):
        return checkout_path(checkout_id).lower()
    return checkout_id.lower()


async def count_waiting(session: AsyncSession) -> int:
    query = select(func.count()).where(JobRow.delete_requested_at.is_not(None))
    return await session.scalar(query) or 0


async def explain_delay(session: Session, job_id: str, why: str) -> None:
    """Show in the job's activity text why the job is not deleted yet."""
    row = await _pending_to_change(session, job_id)
    if row is not None and row.activity != why[:LONGEST_REASON]:
        row.activity = why[:LONGEST_REASON]
        events.append(session, JOBS, job_event(row))


async def delete_some_tasks(session: Session, job_id: str, at_most: int) -> bool:
    """Delete tasks of an ended job that is to be deleted; return whether some are left.

    Deleting 100,000 tasks at once would block all other writers.
    """
    if await _pending_to_change(session, job_id) is None:
        return False
    return await tasks.delete_some(session, job_id, at_most)


async def delete_job(session: Session, job_id: str) -> bool:
    """Delete an ended job's row and all that refers to it, and append an event.

    Return False if there is no such job to delete.
    """
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
