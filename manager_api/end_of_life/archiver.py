"""Relieves archived jobs of their tasks and logs, on the farm keeper's behalf.

In this order, each step harmless when it is done twice: cancel what is not ended, keep what the
tasks came to, drop the tasks, erase the logs. Definition, last image and rendered output stay.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from time import monotonic

from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database.engine import Database
from manager_api.database.epoch import check_epoch
from manager_api.database.loops import whenever_woken
from manager_api.end_of_life import archive_store as archives
from manager_api.end_of_life.archive import statistics_of
from manager_api.jobs import task_store as tasks
from manager_api.jobs.control import JobControl, RunIsOver
from manager_api.workers.store import workers_by_id
from workflows.domain.job.transitions import Refused
from workflows.domain.keeping import ResendTimer
from workflows.domain.messages import Change, JobAction

logger = logging.getLogger(__name__)

#: Between two looks, however often it is woken.
_PAUSE_S = 0.2


class JobArchiver:
    """A duty of the keeper.

    Args:
        erase_logs: erases a job's logs, by its id. An `OSError` puts the job off.
        tick_s: the safety net under being woken; a job that is put off waits so long.
        cancel_again_s: a paused job that has not ended is asked again after this.
    """

    def __init__(
        self,
        database: Database,
        control: JobControl,
        *,
        erase_logs: Callable[[str], Awaitable[None]],
        tick_s: float,
        cancel_again_s: float,
        tasks_at_once: int = 1_000,
    ) -> None:
        self._database = database
        self._control = control
        self._erase_logs = erase_logs
        self._tick_s = tick_s
        self._canceled = ResendTimer(cancel_again_s)
        self._tasks_at_once = tasks_at_once

    async def run(self, epoch: int) -> None:
        await whenever_woken(
            self._database, lambda: self.work_off(epoch), pause_s=_PAUSE_S, tick_s=self._tick_s
        )

    async def work_off(self, epoch: int) -> None:
        """Raises:
        Superseded: another keeper does it.
        """
        async with self._database.reading() as session:
            pending = await archives.pending(session)
        for job_id, is_ended in pending:
            if is_ended:
                await self._drop_tasks_and_logs(epoch, job_id)
            elif self._canceled.is_due(job_id, now=monotonic()):
                await self._cancel(job_id)
        self._canceled.forget_old(monotonic())

    async def _cancel(self, job_id: str) -> None:
        """A paused job has a run that waits; its end wakes us again."""
        change = Change(action=JobAction.CANCEL, reason="it was archived")
        try:
            await self._control.change(job_id, change)
        except (RunIsOver, Refused):
            pass  # it is about to end; the next look tells
        except OrchestratorUnavailable as problem:
            logger.warning("not canceled yet: %s", problem, extra={"job": job_id})

    async def _drop_tasks_and_logs(self, epoch: int, job_id: str) -> None:
        await self._keep_statistics(epoch, job_id)
        while True:
            async with self._database.writing() as session:
                await check_epoch(session, epoch)
                if not await archives.drop_some_tasks(session, job_id, self._tasks_at_once):
                    break
        try:
            await self._erase_logs(job_id)
        except OSError as problem:
            logger.warning("logs cannot be erased yet: %s", problem, extra={"job": job_id})
            return
        async with self._database.writing() as session:
            await check_epoch(session, epoch)
            await archives.finish(session, job_id)

    async def _keep_statistics(self, epoch: int, job_id: str) -> None:
        async with self._database.reading() as session:
            rows = await tasks.tasks_of_job(session, job_id)
            workers = await workers_by_id(session, {row.worker_id for row in rows})
        statistics = await asyncio.to_thread(statistics_of, rows, workers)
        async with self._database.writing() as session:
            await check_epoch(session, epoch)
            await archives.keep_statistics(session, job_id, statistics.model_dump(mode="json"))
