"""Checks the database as often as the settings say, and ends with an error if it is broken."""

import asyncio
from datetime import timedelta

from manager_api.database.check import check_database
from manager_api.database.engine import Database
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings


class DatabaseWatch:
    def __init__(self, database: Database, configuration: Configuration) -> None:
        self._database = database
        self._configuration = configuration
        self._changed = asyncio.Event()
        configuration.on_change(self._settings_changed)

    async def run(self) -> None:
        """Check the database without end.

        Raises:
            DatabaseBroken: a check found the database broken.
        """
        while True:
            self._changed.clear()
            period = self._configuration.settings.database_check_period
            if await self._has_passed(period):
                await check_database(self._database)

    async def _has_passed(self, period: timedelta) -> bool:
        """Wait for `period`; return False if the settings change before. 0 never passes."""
        try:
            async with asyncio.timeout(period.total_seconds() or None):
                await self._changed.wait()
        except TimeoutError:
            return True
        return False

    async def _settings_changed(self, _settings: ManagerSettings) -> None:
        self._changed.set()
