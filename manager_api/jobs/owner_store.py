"""Who submitted a job."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import JobRow, TaskRow


async def owner(session: AsyncSession, *, job_id: str = "", task_id: str = "") -> str | None:
    """Return the account that submitted a job, or a task's job; None: there is none."""
    query = select(JobRow.owner)
    if task_id:
        query = query.join(TaskRow, TaskRow.job_id == JobRow.id).where(TaskRow.id == task_id)
    else:
        query = query.where(JobRow.id == job_id)
    found: str | None = await session.scalar(query)
    return found
