"""Tells the database which managers run, for the page about versions.

A manager that was killed stays in the table until another one, or its own next start, removes it.
"""

import asyncio
import contextlib
import platform
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from uuid import uuid4

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.database.tables import ManagerRow

#: Seconds between two signs of life.
SEEN_EVERY_S = 30.0
#: A manager that was not seen for so long does not run. The managers' clocks may differ by less.
GONE_AFTER = timedelta(minutes=3)
_LONGEST_NAME = 255


class ManagerPresence:
    """One manager's row in the table of managers, as long as the manager runs."""

    def __init__(
        self, database: Database, version: str, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self.id = str(uuid4())
        self.name = platform.node()[:_LONGEST_NAME] or "unnamed"
        self.version = version
        self.started = clock()
        self._database = database
        self._clock = clock

    async def run(self) -> None:
        """Keep the row until canceled; then remove it."""
        try:
            while True:
                with contextlib.suppress(DatabaseBusy):  # the next sign of life will do
                    await self.seen()
                await asyncio.sleep(SEEN_EVERY_S)
        finally:
            with contextlib.suppress(DatabaseBusy):
                await self.remove()

    async def seen(self) -> None:
        """Write a sign of life, and remove managers that do not run any more."""
        now = self._clock()
        async with self._database.writing() as session:
            change = update(ManagerRow).where(ManagerRow.id == self.id).values(seen=now)
            if not (await session.execute(change.returning(ManagerRow.id))).first():
                session.add(self._row(now))
            await session.execute(delete(ManagerRow).where(ManagerRow.seen < now - GONE_AFTER))

    async def others(self, session: AsyncSession) -> Sequence[ManagerRow]:
        """Return the other managers that run, in the order of their starts."""
        query = select(ManagerRow).where(
            ManagerRow.id != self.id, ManagerRow.seen >= self._clock() - GONE_AFTER
        )
        return (await session.scalars(query.order_by(ManagerRow.started, ManagerRow.id))).all()

    def _row(self, seen: datetime) -> ManagerRow:
        return ManagerRow(
            id=self.id, name=self.name, version=self.version, started=self.started, seen=seen
        )

    async def remove(self) -> None:
        async with self._database.writing() as session:
            await session.execute(delete(ManagerRow).where(ManagerRow.id == self.id))
