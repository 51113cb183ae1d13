"""Notices that the database was put back to an earlier moment, and numbers the restore (rule 27).

The database counts a mark upwards while managers live, and each manager notes the newest mark in a
file of its own. A noted mark that the database has not reached shows that it was put back. The
number of the restore comes from the clock, because everything in the database was put back, too.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, select, update

from manager_api.database.engine import Database, DatabaseBusy, Session, utc_now
from manager_api.database.tables import FarmRow, HttpRunRow, JobRow
from manager_api.jobs.store import restart_run
from manager_api.jobs.task_store import raise_attempts
from manager_api.logs.task_logs import TaskLogs

#: A database that was put back to a moment so short before its manager ended is not noticed.
MARK_EVERY_S = 10.0
#: Restores are numbered by the seconds since then, which fit into 32 bits for 68 years.
_BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)

logger = logging.getLogger(__name__)


class RestoreWatch:
    """
    Args:
        file: where this manager notes marks; in no backup, or the restore of it is not noticed.
        logs: they tell of attempts that a database that was put back does not know.
    """

    def __init__(
        self,
        database: Database,
        file: Path,
        logs: TaskLogs,
        clock: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = database
        self._file = file
        self._logs = logs
        self._clock = clock

    async def begin(self) -> bool:
        """Call it before anything else works with the database. True: it was put back."""
        noted = self._noted()
        async with self._database.writing() as session:
            farm = await session.get_one(FarmRow, 1, with_for_update=True)
            was_put_back = noted is None or noted > farm.mark
            if was_put_back:
                seconds = int((self._clock() - _BEGINNING).total_seconds())
                farm.restored = max(farm.restored + 1, seconds)
                await session.flush()
                await self._begin_new_runs(session)
            farm.mark = max(farm.mark, noted or 0) + 1
        self._note(farm.mark)
        return was_put_back

    async def _begin_new_runs(self, session: Session) -> None:
        query = select(JobRow.id, JobRow.run, JobRow.is_ended).where(JobRow.archived_at.is_(None))
        for job_id, run, is_ended in (await session.execute(query)).all():
            attempts = await asyncio.to_thread(self._logs.newest_attempts, job_id)
            await raise_attempts(session, job_id, attempts)
            if not is_ended:
                await restart_run(session, job_id, run)
        # All are of runs that are over now. A worker that speaks HTTP would be given them anew.
        await session.execute(delete(HttpRunRow))
        logger.warning("the database was put back: unfinished jobs begin new runs")

    async def run(self) -> None:
        """Marks every few seconds, until canceled."""
        while True:
            await asyncio.sleep(MARK_EVERY_S)
            await self.mark()

    async def mark(self) -> None:
        """Count one mark more, and note it. The database comes first: it is never behind."""
        query = update(FarmRow).values(mark=FarmRow.mark + 1).returning(FarmRow.mark)
        with contextlib.suppress(DatabaseBusy):  # the next mark does as well
            async with self._database.writing() as session:
                mark = (await session.execute(query)).scalar_one()
            try:
                self._note(mark)
            except OSError:
                logger.exception("the database's mark could not be noted in %s", self._file)

    def _noted(self) -> int | None:
        """The newest mark that this manager noted; None: a person wrote that it was put back."""
        try:
            return int(self._file.read_text())
        except FileNotFoundError:
            return 0
        except ValueError:
            return None

    def _note(self, mark: int) -> None:
        new = self._file.with_suffix(".new")
        with new.open("w") as file:
            file.write(f"{mark}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
