"""Jobs that may have rendered something lately."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.db.tables import JobRow


async def lately_changed(session: AsyncSession, limit: int) -> Sequence[JobRow]:
    """The one that changed last comes first."""
    query = select(JobRow).order_by(JobRow.updated.desc(), JobRow.id).limit(limit)
    return (await session.scalars(query)).all()
