"""Queries for jobs, and the changes of a job that do not go through its workflow."""

from dataclasses import asdict

from sqlalchemy import delete, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.contract.errors import JobNotFound
from manager_api.database import events, trail
from manager_api.database.engine import FOR_CHANGE, Changed, Session, utc_now
from manager_api.database.payloads import JOBS, job_event
from manager_api.database.restored import number_of_last_restore
from manager_api.database.tables import (
    HandBackRow,
    JobRow,
    LeaseRow,
    LeaseState,
    OutboxRow,
    WorkerTagRow,
)
from manager_api.jobs import history as job_history
from workflows.domain.job.transitions import check_job_stays
from workflows.domain.messages import Change

#: The key of a job's project in its metadata.
PROJECT = "project"


class NotEnded(Exception):
    """The job's run still owns it; ask its workflow."""


async def job(session: AsyncSession, job_id: str) -> JobRow | None:
    return await session.get(JobRow, job_id)


async def job_to_change(session: Session, job_id: str) -> JobRow | None:
    """Return the job, locked against other writers until the transaction ends.

    Every change of a job or its tasks locks the job first, so two writers cannot deadlock.
    """
    return await session.get(JobRow, job_id, with_for_update=FOR_CHANGE, populate_existing=True)


async def existing_job(session: AsyncSession, job_id: str) -> JobRow:
    """Return the job.

    Raises:
        JobNotFound: there is no such job.
    """
    return _existing(await job(session, job_id), job_id)


async def existing_job_to_change(session: Session, job_id: str) -> JobRow:
    """Return the job as `job_to_change` does.

    Raises:
        JobNotFound: there is no such job.
    """
    return _existing(await job_to_change(session, job_id), job_id)


def _existing(row: JobRow | None, job_id: str) -> JobRow:
    if row is None:
        raise JobNotFound(job_id)
    return row


def check_stays(row: JobRow) -> None:
    """Check that the job may be changed.

    Raises:
        Refused: the job is archived, or its deletion was requested.
    """
    check_job_stays(
        is_being_deleted=row.delete_requested_at is not None,
        is_archived=row.archived_at is not None,
    )


def check_ended(row: JobRow) -> None:
    """Check that no run owns the job.

    Raises:
        NotEnded: a run owns the job.
    """
    if not row.is_ended:
        raise NotEnded(row.id)


def set_tag(session: Session, row: JobRow, tag: WorkerTagRow | None) -> None:
    """Set the tag of the workers that may serve the job; None: every worker may.

    Note it in the job's history, and append an event to `/jobs`.
    """
    row.worker_tag_id = None if tag is None else tag.id
    row.updated = utc_now()
    text = "Worker tag removed" if tag is None else f'Worker tag changed to "{tag.name}"'
    job_history.note_job(session, row, row.updated, text)
    events.append(session, JOBS, job_event(row) | {"worker_tag": row.worker_tag_id or ""})
    session.changed.add(Changed.FARM)


def set_project(session: Session, row: JobRow, project: str) -> None:
    """Set the project in the job's metadata; empty: none.

    Note it in the job's history, and append an event to `/jobs`.
    """
    before = row.job_metadata.get(PROJECT, "")
    if project == before:
        return
    trail.note({PROJECT: before}, {PROJECT: project})
    others = {key: value for key, value in row.job_metadata.items() if key != PROJECT}
    row.job_metadata = others | ({PROJECT: project} if project else {})
    row.updated = utc_now()
    text = f'Project changed to "{project}"' if project else "Project removed"
    job_history.note_job(session, row, row.updated, text)
    events.append(session, JOBS, job_event(row) | {PROJECT: project})


async def restart_run(session: Session, job_id: str, run: int) -> int | None:
    """Order a new run from the database, because the run's workflow is gone (protocol rule 16).

    Returns:
        The new run's number; None if `run` does not own the job.
    """
    row = await job_to_change(session, job_id)
    if row is None or row.is_ended or row.run != run:
        return None
    # A run that has written nothing has not made the change that it was started for.
    change = Change(**row.pending_change) if row.pending_change and not row.sequence else None
    return await begin_run(session, row, change)


async def begin_run(session: Session, row: JobRow, change: Change | None) -> int:
    """Order the job's next run, which begins with the change; return the run's number."""
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
