"""Carries out the deletion of jobs, on the farm keeper's behalf.

In this order, each step harmless when it is done twice, so that whoever was killed in between is
made good by the next: cancel what is not ended, erase the Shaman checkout, the job's files (logs
and images) and at last the rows. Rendered output is never touched.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic

from manager_api.contract.errors import OrchestratorUnavailable
from manager_api.database.engine import Database, Session
from manager_api.database.epoch import check_epoch
from manager_api.database.loops import whenever_woken
from manager_api.end_of_life import deletion_store as deletions
from manager_api.end_of_life.deletion_store import PendingDeletion
from manager_api.jobs.control import JobControl, RunIsOver
from workflows.domain.job.transitions import Refused
from workflows.domain.keeping import ResendTimer
from workflows.domain.messages import Change, JobAction

logger = logging.getLogger(__name__)

Erase = Callable[[str], Awaitable[None]]
DeleteSomeTasks = Callable[[Session, str, int], Awaitable[bool]]

_CANCELS_AT_ONCE = 8
_TOLD_EVERY = 500


@dataclass(frozen=True, slots=True)
class DeletionTimes:
    """Seconds."""

    tick_s: float = 5.0
    """The safety net under being woken."""
    pause_s: float = 0.2
    """Between two looks, however often it is woken."""
    cancel_again_s: float = 5.0
    retry_from_s: float = 5.0
    """After a failure; the pauses double, up to the next."""
    retry_to_s: float = 600.0


class PendingDeletionCanceler:
    """A duty of the keeper: cancels unfinished jobs whose deletion was asked for.

    Apart from the deleter, which has work even while Temporal is away.
    """

    def __init__(
        self, database: Database, control: JobControl, times: DeletionTimes = DeletionTimes()
    ) -> None:
        self._database = database
        self._control = control
        self._times = times
        self._canceled = ResendTimer(times.cancel_again_s)
        self._turns = asyncio.Semaphore(_CANCELS_AT_ONCE)

    async def run(self, epoch: int) -> None:
        await _whenever_woken(self._database, self.work_off, self._times)

    async def work_off(self) -> None:
        """The runs end some time later, and the writes that say so wake the deleter."""
        async for page in deletions.pages(self._database):
            unfinished = [pending for pending in page if not pending.is_ended]
            await asyncio.gather(*(self._cancel(pending.id) for pending in unfinished))
        self._canceled.forget_old(monotonic())

    async def _cancel(self, job_id: str) -> None:
        if not self._canceled.is_due(job_id, now=monotonic()):
            return
        change = Change(action=JobAction.CANCEL, reason="its deletion was asked for")
        try:
            async with self._turns:
                await self._control.change(job_id, change)
        except (RunIsOver, Refused):
            pass  # it is about to end, or to begin; the next look tells
        except OrchestratorUnavailable as problem:
            logger.warning("not canceled yet: %s", problem, extra={"job": job_id})


@dataclass(slots=True)
class _Trouble:
    pause_s: float
    until: float


class JobDeleter:
    """A duty of the keeper: deletes ended jobs.

    Args:
        erase_checkout: erases a Shaman checkout, by its id. An `OSError` puts the job off.
        erase_files: erases what the manager keeps of a job beside the database, by its id, and
            sees to it that nothing is written there again. Likewise.
        delete_some_tasks: as `deletions.delete_some_tasks`.
    """

    def __init__(
        self,
        database: Database,
        *,
        erase_checkout: Erase,
        erase_files: Erase,
        delete_some_tasks: DeleteSomeTasks = deletions.delete_some_tasks,
        times: DeletionTimes = DeletionTimes(),
        tasks_at_once: int = 1_000,
    ) -> None:
        self._database = database
        self._erase_checkout = erase_checkout
        self._erase_files = erase_files
        self._delete_some_tasks = delete_some_tasks
        self._times = times
        self._tasks_at_once = tasks_at_once
        self._troubles: dict[str, _Trouble] = {}

    async def run(self, epoch: int) -> None:
        await _whenever_woken(self._database, lambda: self.work_off(epoch), self._times)

    async def work_off(self, epoch: int) -> None:
        """Deletes what can be deleted now, in the order in which it was asked for.

        Raises:
            Superseded: another keeper does it.
        """
        count = 0
        async for page in deletions.pages(self._database):
            for pending in page:
                if not pending.is_ended or not self._is_due(pending.id):
                    continue
                if await self._delete(epoch, pending):
                    count += 1
                    if count % _TOLD_EVERY == 0:
                        await self._tell(count)
        if count % _TOLD_EVERY:
            await self._tell(count)

    async def _tell(self, count: int) -> None:
        async with self._database.reading() as session:
            left = await deletions.count_waiting(session)
        logger.info("deleted %d jobs, %d are waiting", count, left)

    # --- one job ---------------------------------------------------------------------------------

    async def _delete(self, epoch: int, pending: PendingDeletion) -> bool:
        try:
            if pending.shaman_checkout_id and await self._is_only_user(pending):
                await self._erase_checkout(pending.shaman_checkout_id)
            await self._erase_files(pending.id)
            is_gone = await self._delete_rows(epoch, pending.id)
            # What was on its way to a log when the first call came has been written by now.
            await self._erase_files(pending.id)
        except OSError as problem:
            await self._put_off(epoch, pending.id, problem)
            return False
        self._troubles.pop(pending.id, None)
        return is_gone

    async def _is_only_user(self, pending: PendingDeletion) -> bool:
        async with self._database.reading() as session:
            return not await deletions.is_checkout_of_others(session, pending)

    async def _delete_rows(self, epoch: int, job_id: str) -> bool:
        while True:
            async with self._database.writing() as session:
                await check_epoch(session, epoch)
                if not await self._delete_some_tasks(session, job_id, self._tasks_at_once):
                    return await deletions.delete_job(session, job_id)

    # --- what does not go ------------------------------------------------------------------------

    def _is_due(self, job_id: str) -> bool:
        trouble = self._troubles.get(job_id)
        return trouble is None or trouble.until <= monotonic()

    async def _put_off(self, epoch: int, job_id: str, problem: OSError) -> None:
        trouble = self._troubles.get(job_id)
        pause_s = self._times.retry_from_s
        if trouble is not None:
            pause_s = min(2 * trouble.pause_s, self._times.retry_to_s)
        self._troubles[job_id] = _Trouble(pause_s, monotonic() + pause_s)
        logger.warning("a job cannot be deleted yet: %s", problem, extra={"job": job_id})
        async with self._database.writing() as session:
            await check_epoch(session, epoch)
            await deletions.explain_delay(session, job_id, f"It cannot be deleted yet: {problem}")


async def _whenever_woken(
    database: Database, work: Callable[[], Awaitable[None]], times: DeletionTimes
) -> None:
    await whenever_woken(database, work, pause_s=times.pause_s, tick_s=times.tick_s)
