"""Notices that the database was restored from an older copy, and numbers the restore (rule 27).

While managers live, a mark in the database grows, and each manager notes the newest mark in a file
of its own. If the noted mark is higher than the mark in the database, the database was restored.
The number of the restore comes from the clock, because the restore reset every number in the
database.
"""

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import delete, select, update

from manager_api.database import events
from manager_api.database.engine import Database, DatabaseBusy, Session, utc_now
from manager_api.database.restored import number_at
from manager_api.database.tables import FarmRow, HttpRunRow, JobRow
from manager_api.jobs.store import restart_run
from manager_api.jobs.task_store import raise_attempts
from manager_api.logs.task_logs import TaskLogs

logger = logging.getLogger(__name__)


class RestoreWatch:
    """Notices restores when the manager starts, and notes marks while it runs.

    Args:
        file: where this manager notes marks. It must not be part of a backup, because a restore of
            the file hides the restore of the database.
        logs: the task logs, which show attempts that a restored database does not know.
        every_s: seconds between two marks. A restore of a copy that is newer than the last noted
            mark is not noticed.
    """

    def __init__(
        self,
        database: Database,
        file: Path,
        logs: TaskLogs,
        clock: Callable[[], datetime] = utc_now,
        every_s: float = 10.0,
    ) -> None:
        self._database = database
        self._file = file
        self._logs = logs
        self._clock = clock
        self._every_s = every_s

    async def begin(self) -> bool:
        """Return whether the database was restored, and if so begin new runs.

        Call this before any other code works with the database.
        """
        noted = self._noted()
        async with self._database.writing() as session:
            farm = await session.get_one(FarmRow, 1, with_for_update=True)
            was_put_back = noted is None or noted > farm.mark
            if was_put_back:
                farm.restored = max(farm.restored + 1, number_at(self._clock()))
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
        await events.mark_restore(session)
        # All runs of jobs are over now. Rows that stay would be given to HTTP workers again.
        await session.execute(delete(HttpRunRow))
        logger.warning("the database was put back: unfinished jobs begin new runs")

    async def run(self) -> None:
        """Raise the mark every `every_s` seconds, until canceled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.mark()

    async def mark(self) -> None:
        """Raise the mark by one and note it; the database first, so it is never behind the file."""
        query = update(FarmRow).values(mark=FarmRow.mark + 1).returning(FarmRow.mark)
        with contextlib.suppress(DatabaseBusy):  # the next mark will do
            async with self._database.writing() as session:
                mark = (await session.execute(query)).scalar_one()
            try:
                self._note(mark)
            except OSError:
                logger.exception("the database's mark could not be noted in %s", self._file)

    def _noted(self) -> int | None:
        """Return the newest noted mark; 0 if there is no file.

        None if the file holds no number: in this way a person states that the database was
        restored.
        """
        try:
            return int(self._file.read_text())
        except FileNotFoundError:
            return 0
        except ValueError:
            return None

    def _note(self, mark: int) -> None:
        new = self._file.with_suffix(".new")
        # Other users may go through the data directory, but this file is not theirs.
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(f"{mark}\n")
            file.flush()
            os.fsync(file.fileno())
        new.replace(self._file)
