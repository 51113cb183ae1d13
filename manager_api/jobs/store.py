"""Jobs: queries, and what is asked of a job besides its workflow."""

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.tables import (
    HandBackRow,
    JobBlockRow,
    JobRow,
    LeaseRow,
    LeaseState,
    OutboxRow,
    WorkerRow,
)
from workflows.domain.messages import Change


class NotEnded(Exception):
    """The job's run still owns it; ask its workflow."""


class NothingMore(Exception):
    """The job is archived, or to be deleted: nothing more is done with it."""


async def job(session: AsyncSession, job_id: str) -> JobRow | None:
    return await session.get(JobRow, job_id)


async def job_to_change(session: Session, job_id: str) -> JobRow | None:
    """The job, held against other writers until the transaction ends.

    Whoever changes a job or its tasks takes the job first: one order, so no deadlock.
    """
    return await session.get(JobRow, job_id, with_for_update=FOR_CHANGE, populate_existing=True)


async def set_tag(session: Session, job_id: str, tag_id: str | None) -> bool:
    """Whose workers may serve it from now on; None: everybody's. Tells `/jobs`. False: no such
    job.
    """
    row = await job_to_change(session, job_id)
    if row is None:
        return False
    row.worker_tag_id = tag_id
    row.updated = utc_now()
    events.append(session, JOBS, job_event(row))
    session.changed.add(Changed.FARM)
    return True


async def all_jobs(session: AsyncSession) -> Sequence[JobRow]:
    """Newest first, without those that are archived."""
    query = select(JobRow).where(JobRow.archived_at.is_(None))
    query = query.order_by(JobRow.created.desc(), JobRow.id.desc())
    return (await session.scalars(query)).all()


async def blocklist(session: AsyncSession, job_id: str) -> Sequence[tuple[str, str, str]]:
    """(worker id, task type, worker name), by name; deleted workers, too."""
    query = (
        select(JobBlockRow.worker_id, JobBlockRow.task_type, WorkerRow.name)
        .join(WorkerRow, WorkerRow.id == JobBlockRow.worker_id)
        .where(JobBlockRow.job_id == job_id)
        .order_by(WorkerRow.name, JobBlockRow.worker_id, JobBlockRow.task_type)
    )
    return [(worker, task_type, name) for worker, task_type, name in await session.execute(query)]


async def begin_rerun(session: Session, job_id: str, change: Change | None) -> int:
    """Start an ended job anew, with a change for it; returns the new run's number.

    Raises:
        NotEnded: a run owns the job.
        NothingMore: it is archived, or its deletion was asked for.
        KeyError: no such job.
    """
    row = await job_to_change(session, job_id)
    if row is None:
        raise KeyError(job_id)
    check_rests(row)
    return await _begin_run(session, row, change)


def check_rests(row: JobRow) -> None:
    """Whether a job's tasks may be changed here.

    Raises:
        NotEnded: a run owns the job.
        NothingMore: it is archived, or its deletion was asked for.
    """
    if not row.is_ended:
        raise NotEnded(row.id)
    if row.delete_requested_at is not None or row.archived_at is not None:
        raise NothingMore(row.id)


async def restart_run(session: Session, job_id: str, run: int) -> int | None:
    """Start a run anew from the database, whose workflow is no more (protocol rule 16).

    Returns the new run's number; None when `run` is not the one that owns the job.
    """
    row = await job_to_change(session, job_id)
    if row is None or row.is_ended or row.run != run:
        return None
    # What this run was started for was not done if it has written nothing.
    change = Change(**row.pending_change) if row.pending_change and not row.sequence else None
    return await _begin_run(session, row, change)


async def _begin_run(session: Session, row: JobRow, change: Change | None) -> int:
    row.run += 1
    row.sequence = 0
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


async def set_priority(session: Session, job_id: str, priority: int) -> bool:
    """Of an ended job: a run's priority is set by its workflow. False: no such job.

    Raises:
        NotEnded: a run owns the job.
    """
    row = await job_to_change(session, job_id)
    if row is None:
        return False
    if not row.is_ended:
        raise NotEnded(job_id)
    row.priority = priority
    row.updated = utc_now()
    events.append(session, JOBS, job_event(row))
    return True
