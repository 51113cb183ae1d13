"""Jobs: queries, and what is asked of a job besides its workflow."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import JobNotFound
from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.restored import number_of_last_restore
from manager_api.database.tables import (
    HandBackRow,
    JobRow,
    LeaseRow,
    LeaseState,
    OutboxRow,
)
from workflows.domain.job.transitions import check_job_stays
from workflows.domain.messages import Change


class NotEnded(Exception):
    """The job's run still owns it; ask its workflow."""


async def job(session: AsyncSession, job_id: str) -> JobRow | None:
    return await session.get(JobRow, job_id)


async def job_to_change(session: Session, job_id: str) -> JobRow | None:
    """The job, held against other writers until the transaction ends.

    Whoever changes a job or its tasks takes the job first: one order, so no deadlock.
    """
    return await session.get(JobRow, job_id, with_for_update=FOR_CHANGE, populate_existing=True)


async def existing_job(session: AsyncSession, job_id: str) -> JobRow:
    """Raises:
    JobNotFound: there is no such job.
    """
    return _existing(await job(session, job_id), job_id)


async def existing_job_to_change(session: Session, job_id: str) -> JobRow:
    """As `job_to_change`.

    Raises:
        JobNotFound: there is no such job.
    """
    return _existing(await job_to_change(session, job_id), job_id)


def _existing(row: JobRow | None, job_id: str) -> JobRow:
    if row is None:
        raise JobNotFound(job_id)
    return row


def check_stays(row: JobRow) -> None:
    """Raises:
    Refused: the job is archived, or its deletion was asked for.
    """
    check_job_stays(
        is_being_deleted=row.delete_requested_at is not None,
        is_archived=row.archived_at is not None,
    )


def check_ended(row: JobRow) -> None:
    """Raises:
    NotEnded: a run owns the job.
    """
    if not row.is_ended:
        raise NotEnded(row.id)


def set_tag(session: Session, row: JobRow, tag_id: str | None) -> None:
    """Whose workers may serve the job from now on; None: every worker. Tells `/jobs`."""
    row.worker_tag_id = tag_id
    row.updated = utc_now()
    events.append(session, JOBS, job_event(row))
    session.changed.add(Changed.FARM)


async def all_jobs(session: AsyncSession) -> Sequence[JobRow]:
    """Newest first, without those that are archived."""
    query = select(JobRow).where(JobRow.archived_at.is_(None))
    query = query.order_by(JobRow.created.desc(), JobRow.id.desc())
    return (await session.scalars(query)).all()


async def restart_run(session: Session, job_id: str, run: int) -> int | None:
    """Start a run anew from the database, whose workflow is no more (protocol rule 16).

    Returns the new run's number; None when `run` is not the one that owns the job.
    """
    row = await job_to_change(session, job_id)
    if row is None or row.is_ended or row.run != run:
        return None
    # What this run was started for was not done if it has written nothing.
    change = Change(**row.pending_change) if row.pending_change and not row.sequence else None
    return await begin_run(session, row, change)


async def begin_run(session: Session, row: JobRow, change: Change | None) -> int:
    """Orders the job's next run, which begins with the change; returns the run's number."""
    row.run = max(row.run + 1, await number_of_last_restore(session))
    row.sequence = 0
    row.last_write = None
    row.is_ended = False
    row.pending_change = None if change is None else asdict(change)
    row.demand = None
    now = utc_now()
    await session.execute(
        update(LeaseRow)
        .where(LeaseRow.job_id == row.id, LeaseRow.state != LeaseState.RETURNED)
        .values(state=LeaseState.RETURNED, changed=now)
    )
    await session.execute(delete(HandBackRow).where(HandBackRow.job_id == row.id))
    await session.merge(OutboxRow(job_id=row.id, run=row.run, created=now))
    session.changed.add(Changed.FARM)
    return row.run
