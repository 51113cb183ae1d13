"""Workers that wait to be let in, in the database."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Session
from manager_api.database.tables import WorkerRow


async def count(session: AsyncSession) -> int:
    """Return how many workers wait to be let in."""
    query = select(func.count()).where(
        WorkerRow.is_waiting.is_(True), WorkerRow.deleted_at.is_(None)
    )
    return await session.scalar(query) or 0


async def longest_silent(session: Session, heard_before: datetime) -> WorkerRow | None:
    """Return the worker that waits to be let in and was silent for longest, locked; or None.

    Args:
        heard_before: a worker that was heard from since then is not silent.
    """
    heard = func.coalesce(WorkerRow.last_seen, WorkerRow.created)
    query = (
        select(WorkerRow)
        .where(WorkerRow.is_waiting.is_(True), WorkerRow.deleted_at.is_(None), heard < heard_before)
        .order_by(heard, WorkerRow.id)
        .limit(1)
    )
    row: WorkerRow | None = await session.scalar(query.with_for_update(key_share=True))
    return row
