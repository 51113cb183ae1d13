"""Makes the texts of the list of jobs ready after a start, so that its first answer is not late."""

import asyncio
import contextlib

from manager_api.contract.answers import farm_job_answer, job_answer
from manager_api.database.engine import Database, DatabaseBusy
from manager_api.jobs import job_list, stuck_store

#: Texts that are made in one go, which takes some milliseconds, and the pause after it.
_AT_A_TIME = 25
_PAUSE_S = 0.005


class JobListFilling:
    """A duty that ends when the texts of all jobs are made, for the dashboard's list first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def run(self) -> None:
        # While the database is busy, the lists make their texts themselves.
        with contextlib.suppress(DatabaseBusy):
            await self._fill()

    async def _fill(self) -> None:
        async with self._database.reading() as session:
            rows = (await job_list.all_jobs(session))[: job_list.MOST_KEPT]
            stuck = await stuck_store.stuck_by_job(session)
        for answer in (farm_job_answer, job_answer):
            for start in range(0, len(rows), _AT_A_TIME):
                job_list.keep_ready(rows[start : start + _AT_A_TIME], stuck, answer)
                await asyncio.sleep(_PAUSE_S)
