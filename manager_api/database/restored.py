"""The number of the last restore: what is counted from then on is never smaller (rule 27)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import FarmRow


async def number_of_last_restore(session: AsyncSession) -> int:
    """0: the database was never put back."""
    return await session.scalar(select(FarmRow.restored)) or 0
