"""The farm as a whole: its status in one word, and the image it rendered last."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from manager_api.db import farm
from manager_api.db.engine import Database, DatabaseBusy
from manager_api.events import LiveEvents
from manager_api.last_rendered import SIZES
from manager_api.services.tasks import job_files_url
from workflows.domain.statuses import FarmStatus
from workflows.domain.worker import farm_status

_TOPICS = frozenset({"/jobs", "/workers"})


class FarmWatch:
    """Knows the farm's status, and tells `/status` when it changes."""

    def __init__(self, database: Database, live: LiveEvents) -> None:
        self._database = database
        self._live = live
        self._is_outdated = asyncio.Event()
        self._asyncio_task: asyncio.Task[None] | None = None
        self.status = FarmStatus.STARTING
        live.react(self._look_again)

    async def start(self) -> None:
        self._is_outdated.set()
        self._asyncio_task = asyncio.create_task(self._watch(), name="farm status")

    async def close(self) -> None:
        if self._asyncio_task is not None:
            self._asyncio_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asyncio_task

    def _look_again(self, topic: str, _payload: Mapping[str, Any]) -> None:
        if topic in _TOPICS:
            self._is_outdated.set()

    async def _watch(self) -> None:
        while True:
            await self._is_outdated.wait()
            self._is_outdated.clear()
            # When it is busy, there is a change to come that wakes us again.
            with contextlib.suppress(DatabaseBusy):
                await self._evaluate()

    async def _evaluate(self) -> None:
        async with self._database.reading() as session:
            status = farm_status(*await farm.statuses_in_use(session))
        if status is not self.status:
            self.status = status
            self._live.tell("/status", {"status": status})


def last_rendered_shown(database: Database) -> Callable[[str], Awaitable[None]]:
    """Records that a job's image is new, and tells of it."""

    async def shown(job_id: str) -> None:
        async with database.writing() as session:
            await farm.set_last_rendered(session, job_id, job_files_url(job_id), list(SIZES))

    return shown
