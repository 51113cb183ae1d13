"""The number of the database's last restore. Numbers given out later are not smaller (rule 27)."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import FarmRow


async def number_of_last_restore(session: AsyncSession) -> int:
    """Return the number of the last restore; 0 if the database was never restored."""
    return await session.scalar(select(FarmRow.restored)) or 0
