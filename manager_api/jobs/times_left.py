"""How long the active jobs still take. Many dashboards ask, so an answer is kept for a moment."""

import asyncio
import time
from collections.abc import Iterable, Mapping

from manager_api.contract.job_details import JobTimeLeft, TimesLeft
from manager_api.database.engine import Database, utc_now
from manager_api.jobs.pace_store import JobPace, paces
from workflows.domain.time_left import time_left

#: For so many seconds an answer is told again. Workers end few tasks in that time.
KEPT_S = 2.0


class TimeLeftService:
    def __init__(self, database: Database, kept_s: float = KEPT_S) -> None:
        self._database = database
        self._kept_s = kept_s
        self._asking = asyncio.Lock()
        self._kept = TimesLeft(jobs=[], workers={})
        self._kept_until = 0.0

    async def all(self) -> TimesLeft:
        async with self._asking:
            if time.monotonic() >= self._kept_until:
                async with self._database.reading() as session:
                    found = await paces(session, utc_now())
                at_work = {job_id: _workers(pace) for job_id, pace in found.items()}
                self._kept = TimesLeft(jobs=[*_times_left(found)], workers=at_work)
                self._kept_until = time.monotonic() + self._kept_s
            return self._kept


def _workers(pace: JobPace) -> int:
    # Between two tasks, a worker has a lease and no task.
    return max(len(pace.at_work), pace.lent)


def _times_left(found: Mapping[str, JobPace]) -> Iterable[JobTimeLeft]:
    for job_id, pace in found.items():
        left = time_left(
            pace.done, pace.at_work, steps_left=pace.steps_left, workers=_workers(pace)
        )
        if left is not None:
            yield JobTimeLeft(
                job_id=job_id,
                earliest_s=round(left.earliest_s, 1),
                latest_s=round(left.latest_s, 1),
            )
