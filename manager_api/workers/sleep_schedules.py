"""Workers' sleep schedules: users read and save them, the keeper applies them."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from manager_api.contract.errors import BadRequest
from manager_api.contract.worker_management import WorkerSleepSchedule
from manager_api.database import epoch as epochs
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers.farm_workers import sleep_schedule_answer
from workflows.domain.sleep_schedule import BadSchedule, SleepSchedule

logger = logging.getLogger(__name__)


class SleepScheduleService:
    def __init__(self, database: Database, clock: Callable[[], datetime] = utc_now) -> None:
        self._database = database
        self._clock = clock

    async def get(self, worker_id: str) -> WorkerSleepSchedule | None:
        """Return a worker's schedule; None if it has none or does not exist, as in Flamenco."""
        async with self._database.reading() as session:
            row = await sleep_schedules.of_worker(session, worker_id)
        return None if row is None else sleep_schedule_answer(row)

    async def save(self, worker_id: str, asked: WorkerSleepSchedule) -> None:
        try:
            schedule = SleepSchedule.parse(
                is_active=asked.is_active,
                days_of_week=asked.days_of_week,
                start_time=asked.start_time,
                end_time=asked.end_time,
            )
        except BadSchedule as refusal:
            raise BadRequest(str(refusal)) from refusal
        async with self._database.writing() as session:
            worker = await workers.existing_worker_to_change(session, worker_id)
            await sleep_schedules.save(session, worker, schedule, self._clock())


class SleepDuty:
    """The keeper's duty that asks workers to sleep or wake when their schedules are due.

    Args:
        every_s: the time between two looks for due schedules. Schedules are given in minutes.
    """

    def __init__(
        self, database: Database, every_s: float = 5.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._every_s = every_s
        self._clock = clock

    async def run(self, epoch: int) -> None:
        """Apply due schedules until canceled.

        Raises:
            Superseded: another keeper has taken over the farm.
        """
        while True:
            try:
                await self.look(epoch)
            except DatabaseBusy as busy:
                logger.warning("sleep schedules are looked at a little later: %s", busy)
            await asyncio.sleep(self._every_s)

    async def look(self, epoch: int) -> None:
        """Apply the schedules that are due.

        Raises:
            Superseded: another keeper has taken over the farm. No worker was asked for a status.
        """
        async with self._database.reading() as session:
            worker_ids = await sleep_schedules.due(session, self._clock())
        if not worker_ids:
            return
        async with self._database.writing() as session:
            await epochs.check_epoch(session, epoch)
            for worker_id in worker_ids:
                await sleep_schedules.look_at(session, worker_id, self._clock())
