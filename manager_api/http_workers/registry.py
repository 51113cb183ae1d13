"""Runs of HTTP workers, for the rest of the manager.

Everything that must outlive this process is stored in the database before any worker or workflow
hears of it. Only the waiting requests are kept in memory.
"""

import asyncio
import contextlib
import logging
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator

from activities.http_workers import NotStored
from manager_api.database.batching import Batched
from manager_api.database.busy import retry_while_busy
from manager_api.database.engine import Database, DatabaseBusy, utc_now
from manager_api.http_workers.presence import HttpPresence
from manager_api.runs import http_store as http_runs
from manager_api.workers import store as workers
from workflows.domain.http_workers import Patience
from workflows.domain.messages import Outcome, RunKey, RunRef

#: How often signs of life are stored; far below any time-out.
STORE_EVERY_S = 2.0
#: How often a waiting request looks at the database: another manager may have got its run.
SHARED_DATABASE_TICK_S = 1.0

logger = logging.getLogger(__name__)


class HttpRuns:
    """Runs of this manager's HTTP workers.

    When `run()` ends, it stores the last signs of life.
    """

    def __init__(self, database: Database, patience: Callable[[], Patience]) -> None:
        self.presence = HttpPresence(patience)
        self.database = database
        self.patience = patience
        self._news: defaultdict[str, set[asyncio.Event]] = defaultdict(set)
        self._looks = Batched(self._look)
        self._questions: Counter[str] = Counter()
        self._touched: set[str] = set()

    async def run(self) -> None:
        """Store signs of life until canceled."""
        try:
            await self._store_every_so_often()
        finally:
            with contextlib.suppress(DatabaseBusy):
                await self.store_heard()

    # --- asked for by a job's workflow ------------------------------------------------------------

    async def attach(self, ref: RunRef, workflow_run_id: str, activity_id: str) -> Outcome | None:
        """Offer a run to its worker; see `activities.http_workers.OfferedRuns`."""
        try:
            async with self.database.writing() as session:
                found = await http_runs.attach(session, ref, workflow_run_id, activity_id)
        except DatabaseBusy as busy:
            raise NotStored(str(busy)) from busy
        self._tell(found.worker_id)
        return found.outcome

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        """Stop a run; return False if the worker has no such run or it has ended."""
        return await retry_while_busy(
            lambda: self._stop(worker_id, str(key), reason), wait_s=math.inf
        )

    async def _stop(self, worker_id: str, key: str, reason: str) -> bool:
        async with self.database.reading() as session:
            if not await http_runs.is_open(session, key, worker_id):
                return False
        async with self.database.writing() as session:
            row = await http_runs.run_to_change(session, key)
            if row is None or row.outcome:
                return False
            await http_runs.stop(session, row, reason)
        return True

    # --- requests that wait -----------------------------------------------------------------------

    @contextlib.contextmanager
    def question_of(self, worker_id: str) -> Iterator[None]:
        """Count a worker's request for a task as waiting, as long as the context lasts."""
        self._questions[worker_id] += 1
        try:
            yield
        finally:
            self._questions[worker_id] -= 1
            if not self._questions[worker_id]:
                del self._questions[worker_id]

    def asks_twice(self, worker_id: str) -> bool:
        """Return whether two requests of the worker wait: if it hung up on one, another remains."""
        return self._questions[worker_id] > 1

    async def wait(self, worker_id: str, at_most_s: float) -> None:
        """Wait until this manager offers the worker a run, or until the next look at the database.

        Another manager may have offered it a run, which only the database shows.
        """
        event = asyncio.Event()
        self._news[worker_id].add(event)
        # All requests end their waiting at the same moments, so that one query serves them all.
        tick_s = SHARED_DATABASE_TICK_S - time.monotonic() % SHARED_DATABASE_TICK_S
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(at_most_s, tick_s)):
                    await event.wait()
        finally:
            self._news[worker_id].discard(event)
            if not self._news[worker_id]:
                del self._news[worker_id]

    async def has_news(self, worker_id: str) -> bool:
        """Return whether the worker may have been given a run or another status."""
        return bool(await self._looks.get(worker_id))

    async def _look(self, worker_ids: Collection[str]) -> dict[str, bool]:
        async with self.database.reading() as session:
            return dict.fromkeys(await http_runs.with_news(session, worker_ids), True)

    def _tell(self, worker_id: str) -> None:
        for event in self._news.get(worker_id, ()):
            event.set()

    # --- signs of life, which are stored in batches -----------------------------------------------

    def touched(self, key: str) -> None:
        """Note that a worker reported that it still works on this run."""
        self._touched.add(key)

    async def store_heard(self) -> None:
        seen = self.presence.take_unstored()
        touched, self._touched = self._touched, set()
        if not seen and not touched:
            return
        try:
            async with self.database.writing() as session:
                await workers.seen(session, sorted(seen), utc_now())
                await http_runs.touch(session, sorted(touched), utc_now())
        except BaseException:
            self._touched |= touched
            for worker_id in seen:
                self.presence.heard(worker_id)
            raise

    async def _store_every_so_often(self) -> None:
        while True:
            await asyncio.sleep(STORE_EVERY_S)
            try:
                await self.store_heard()
            except Exception:
                # A busy database must not end the loop; the next round tries again.
                logger.exception("signs of life of HTTP workers could not be stored")
