"""A job's history: status changes, failures of tasks, edits. It is kept as long as the job."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import JobHistoryRow, JobRow, TaskRow


def note_job(session: Session, job: JobRow, now: datetime, text: str | None = None) -> None:
    """Note the job's present status with `text`; by default with the job's activity text."""
    text = job.activity if text is None else text
    session.add(JobHistoryRow(job_id=job.id, happened=now, status=str(job.status), text=text))


def note_task(session: Session, task: TaskRow, now: datetime) -> None:
    session.add(
        JobHistoryRow(
            job_id=task.job_id,
            happened=now,
            task_index=task.index_in_job,
            worker_id=task.worker_id,
            status=str(task.status),
            text=task.activity,
        )
    )


async def newest(session: AsyncSession, job_id: str, limit: int) -> Sequence[JobHistoryRow]:
    """Return at most `limit` entries, newest first."""
    query = (
        select(JobHistoryRow)
        .where(JobHistoryRow.job_id == job_id)
        .order_by(JobHistoryRow.id.desc())
        .limit(limit)
    )
    return (await session.scalars(query)).all()
