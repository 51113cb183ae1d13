"""Queries for the job that rendered last, and for jobs that may have rendered lately."""

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.database.payloads import LAST_RENDERED, last_rendered_topic
from manager_api.database.tables import FarmRow, JobRow
from manager_api.jobs.store import job_to_change


async def lately_changed(session: AsyncSession, limit: int) -> Sequence[JobRow]:
    """Return jobs, the last changed first."""
    query = select(JobRow).order_by(JobRow.updated.desc(), JobRow.id).limit(limit)
    return (await session.scalars(query)).all()


async def last_rendered_job(session: AsyncSession) -> str | None:
    return await session.scalar(select(FarmRow.last_rendered_job_id))


async def set_last_rendered(session: Session, job_id: str, base: str, suffixes: list[str]) -> bool:
    """Record the job as the last that rendered; return False if it is deleted or being deleted.

    Append an event to `/jobs/<job>/last-rendered`, then one to `/last-rendered`.
    """
    job = await job_to_change(session, job_id)
    if job is None or job.delete_requested_at is not None:
        return False
    await session.execute(update(FarmRow).values(last_rendered_job_id=job_id))
    payload = {"job_id": job_id, "thumbnail": {"base": base, "suffixes": suffixes}}
    events.append(session, last_rendered_topic(job_id), payload)
    events.append(session, LAST_RENDERED, payload)
    return True
