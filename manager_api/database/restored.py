"""The number of the database's last restore. Numbers given out later are not smaller (rule 27)."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import FarmRow

#: A restore's number is the seconds since this moment, which fit into 32 bits for 68 years.
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def number_at(moment: datetime) -> int:
    """Return the number of a restore that is noticed at this moment, if none was greater before."""
    return int((moment - _BEGINNING).total_seconds())


def moment_of(number: int) -> datetime:
    """Return when the restore of this number was noticed, to the second."""
    return _BEGINNING + timedelta(seconds=number)


async def number_of_last_restore(session: AsyncSession) -> int:
    """Return the number of the last restore; 0 if the database was never restored."""
    return await session.scalar(select(FarmRow.restored)) or 0
