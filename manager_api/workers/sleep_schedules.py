"""Workers' sleep schedules: read and saved by people, looked after by the keeper."""

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
        """None also for a worker that is none, as in Flamenco."""
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
    """Of the keeper: asks of workers what their schedules say, when one has something to say.

    Args:
        every_s: how often it asks the database whether a schedule is due; they go by minutes.
    """

    def __init__(
        self, database: Database, every_s: float = 5.0, clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._database = database
        self._every_s = every_s
        self._clock = clock

    async def run(self, epoch: int) -> None:
        """Until canceled.

        Raises:
            Superseded: another keeper looks after the farm.
        """
        while True:
            try:
                await self.look(epoch)
            except DatabaseBusy as busy:
                logger.warning("sleep schedules are looked at a little later: %s", busy)
            await asyncio.sleep(self._every_s)

    async def look(self, epoch: int) -> None:
        """Raises:
        Superseded: nothing was asked of anybody.
        """
        async with self._database.reading() as session:
            worker_ids = await sleep_schedules.due(session, self._clock())
        if not worker_ids:
            return
        async with self._database.writing() as session:
            await epochs.check_epoch(session, epoch)
            for worker_id in worker_ids:
                await sleep_schedules.look_at(session, worker_id, self._clock())
