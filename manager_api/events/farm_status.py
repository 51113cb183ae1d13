"""The status of the farm as a whole, in one word."""

import asyncio
from collections.abc import Mapping
from typing import Any

from manager_api.database import events
from manager_api.database.engine import Database
from manager_api.database.loops import whenever
from manager_api.database.payloads import FARM_STATUS, JOBS, WORKERS, farm_status_event
from manager_api.events.live import LiveEvents
from manager_api.events.status_store import statuses_in_use
from workflows.domain.statuses import FarmStatus
from workflows.domain.worker import farm_status

_TOPICS = frozenset({JOBS, WORKERS})
#: Jobs and workers change with each task, the farm's status a few times a day.
_PAUSE_S = 0.2


class FarmWatch:
    """Keeps the farm's status up to date, and adds an event to `/status` when it changes."""

    def __init__(self, database: Database, live: LiveEvents) -> None:
        self._database = database
        self._told: str | None = None
        """The status stored last, by this manager or by another one on the same database."""
        self._is_outdated = asyncio.Event()
        self._is_outdated.set()
        self.status = FarmStatus.STARTING
        live.react(self._look_again)

    async def is_in_use(self) -> bool:
        """Return whether the farm has a job or a worker."""
        async with self._database.reading() as session:
            return any(await statuses_in_use(session))

    async def run(self) -> None:
        """Evaluate the status again whenever jobs or workers change, until canceled."""
        await whenever(self._is_outdated, self._evaluate, pause_s=_PAUSE_S)

    def _look_again(self, topic: str, payload: Mapping[str, Any]) -> None:
        if topic == FARM_STATUS:
            self._told = payload.get("status")
        elif topic in _TOPICS:
            self._is_outdated.set()

    async def _evaluate(self) -> None:
        async with self._database.reading() as session:
            self.status = farm_status(*await statuses_in_use(session))
        if self.status != self._told:
            async with self._database.writing() as session:
                events.append(session, FARM_STATUS, farm_status_event(self.status))
            self._told = self.status
