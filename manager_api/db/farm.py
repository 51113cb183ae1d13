"""Queries about the farm as a whole."""

from collections.abc import Iterable, Mapping, Sequence

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db import events
from manager_api.db.engine import Session
from manager_api.db.jobs import job_to_change
from manager_api.db.payloads import LAST_RENDERED, last_rendered_topic
from manager_api.db.tables import FarmRow, JobRow, WorkerRow
from workflows.domain.statuses import JobStatus, WorkerStatus


async def statuses_in_use(
    session: AsyncSession,
) -> tuple[Sequence[JobStatus], Sequence[WorkerStatus]]:
    """The statuses that some job, some worker has; deleted workers do not count."""
    jobs = await session.scalars(select(JobRow.status).distinct())
    workers = select(WorkerRow.status).where(WorkerRow.deleted_at.is_(None)).distinct()
    return jobs.all(), (await session.scalars(workers)).all()


async def workers_by_id(
    session: AsyncSession, worker_ids: Iterable[str | None]
) -> Mapping[str, WorkerRow]:
    """Deleted ones too: their names stay on what they did."""
    wanted = {worker_id for worker_id in worker_ids if worker_id}
    if not wanted:
        return {}
    rows = await session.scalars(select(WorkerRow).where(WorkerRow.id.in_(wanted)))
    return {row.id: row for row in rows}


async def last_rendered_job(session: AsyncSession) -> str | None:
    return await session.scalar(select(FarmRow.last_rendered_job_id))


async def set_last_rendered(session: Session, job_id: str, base: str, suffixes: list[str]) -> bool:
    """Tells `/jobs/<job>/last-rendered` and `/last-rendered`; false: the job is gone or going."""
    job = await job_to_change(session, job_id)
    if job is None or job.delete_requested_at is not None:
        return False
    await session.execute(update(FarmRow).values(last_rendered_job_id=job_id))
    payload = {"job_id": job_id, "thumbnail": {"base": base, "suffixes": suffixes}}
    events.append(session, last_rendered_topic(job_id), payload)
    events.append(session, LAST_RENDERED, payload)
    return True
