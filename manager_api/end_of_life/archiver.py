"""Deletes the tasks and logs of archived jobs, as a duty of the farm keeper.

The steps are: cancel the job if its run has not ended, store the statistics of its tasks, delete
the tasks, erase the logs. Each step may be done twice. The job's definition, its last image and
its rendered output stay.
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

#: Pause between two checks, even if changes of the farm wake the archiver more often.
_PAUSE_S = 0.2


class JobArchiver:
    """A duty of the keeper: deletes the tasks and logs of archived jobs.

    Args:
        erase_logs: erases a job's logs, by job id. After an `OSError` the job is tried again.
        tick_s: seconds until a check without a wake-up, and so until a failed job's next try.
        cancel_again_s: seconds until a job that has not ended is canceled again.
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
        """Do what can be done now for all archived jobs.

        Raises:
            Superseded: a newer keeper has taken over.
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
        """Cancel a job whose run waits, such as a paused one; the run's end wakes the archiver."""
        change = Change(action=JobAction.CANCEL, reason="it was archived")
        try:
            await self._control.change(job_id, change)
        except (RunIsOver, Refused):
            pass  # the job is about to end; the next check will find out
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
