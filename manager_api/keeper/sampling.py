"""Samples the farm for its history, and removes what is older than the studio wants to keep."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from manager_api.database import epoch as epochs
from manager_api.database.engine import Database, DatabaseBusy, Session, utc_now
from manager_api.database.tables import (
    HistoryCauseRow,
    HistoryRow,
    HistorySampleRow,
    WorkerRow,
)
from manager_api.metrics.snapshot import task_figures
from workflows.domain.farm_history import hour_of
from workflows.domain.statuses import WorkerStatus

EVERY_S = 300.0

logger = logging.getLogger(__name__)


class Sampling:
    """A duty of the keeper.

    `kept` is called each time, so a changed setting counts at once.
    """

    def __init__(
        self, database: Database, kept: Callable[[], timedelta], every_s: float = EVERY_S
    ) -> None:
        self._database = database
        self._kept = kept
        self._every_s = every_s

    async def run(self, epoch: int) -> None:
        """Sample until canceled.

        Raises:
            Superseded: a newer keeper samples now.
        """
        while True:
            try:
                async with self._database.writing() as session:
                    await epochs.check_epoch(session, epoch)
                    now = utc_now()
                    await _sample(session, now)
                    if self._kept():
                        await _prune(session, now - self._kept())
            except DatabaseBusy as busy:
                logger.warning("the farm's history lacks a sample: %s", busy)
            await asyncio.sleep(self._every_s)


async def _sample(session: Session, now: datetime) -> None:
    awake = select(func.coalesce(func.sum(WorkerRow.slots), 0)).where(
        WorkerRow.deleted_at.is_(None),
        WorkerRow.status == WorkerStatus.AWAKE,
        WorkerRow.is_paused.is_(False),
    )
    tasks = await task_figures(session)
    row = await session.get(HistorySampleRow, hour_of(now))
    if row is None:
        row = HistorySampleRow(hour=hour_of(now), samples=0, slots=0, ready=0, waiting={})
        session.add(row)
    row.samples += 1
    row.slots += await session.scalar(awake) or 0
    row.ready += tasks.ready
    row.waiting = dict(Counter(row.waiting) + Counter(tasks.waiting))


async def _prune(session: Session, before: datetime) -> None:
    for table in (HistoryRow, HistoryCauseRow, HistorySampleRow):
        await session.execute(delete(table).where(table.hour < before))
