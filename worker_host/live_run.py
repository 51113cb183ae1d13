"""One run of the table while it is known: its shim, its log, and the call that waits for it."""

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import datetime
from functools import cached_property

from worker_host.disks import trouble_with
from worker_host.log_tail import LogTail
from worker_host.processes.supervision import kill, kill_leftovers, order_to_stop, wait_for_exit
from worker_host.run_directory import RunDirectory
from worker_host.run_spec import RunSpec
from workflows.domain.faults import Cause
from workflows.domain.messages import Outcome, OutcomeKind, RunRef
from workflows.domain.run_times import RunTimes

SUPERSEDED = Outcome(OutcomeKind.SUPERSEDED, "a newer activity reports this run")
_LOST = Outcome(OutcomeKind.LOST, "the run broke off: its processes were killed")
#: The time after the grace in which a stopped shim reaps its descendants and writes its outcome.
_SHIM_MARGIN_S = 8.0


def outcome_of(cause: Cause) -> Outcome:
    """Return the outcome of a run that failed before its commands could say why."""
    rule = cause.rule
    return Outcome(
        OutcomeKind.FAILED,
        cause.reason(),
        fault=rule.fault,
        rule=rule.name,
        may_be_tasks=rule.may_be_tasks,
    )


class LiveRun:
    """A run that begins, lives, or has ended and whose outcome is not accepted yet."""

    def __init__(self, ref: RunRef, directory: RunDirectory, *, is_adopted: bool = False) -> None:
        self.ref = ref
        self.is_adopted = is_adopted
        """An earlier process of the host has begun it."""
        self.key = ref.key
        self.directory = directory
        self.tail: LogTail | None = None
        self.unattached_s = 0.0
        """For how long no call has waited for it; it counts only while the host is connected."""
        self.stop_reason: str | None = None
        self.failure: str | None = None
        """Why it is stopped as failed."""
        self.silent_since: datetime | None = None
        """When it gave its last sign of life; None if that is not long ago."""
        self.has_been_silent = False
        self.is_accepted = False
        """Whether the outcome is not needed any more."""
        self.ended: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.preparing: asyncio.Future[RunSpec] | None = None
        """The steps before the shim's start: wait for the slot, fetch the commands."""
        self.is_withdrawn = False
        """It was taken off the deck before it began."""
        self._started = asyncio.Event()
        self._started_at: float | None = None
        self._pid = 0
        self._start = ""
        self._attachment: asyncio.Future[Outcome] | None = None

    @property
    def pid(self) -> int:
        """The shim's pid; 0 as long as there is no shim."""
        return self._pid

    @cached_property
    def times(self) -> RunTimes:
        return self.directory.times()

    @property
    def log_size(self) -> int:
        return self.directory.log_size()

    @property
    def is_attached(self) -> bool:
        return self._attachment is not None

    async def attach(self) -> Outcome:
        """Wait for the run's outcome; an earlier call that waits ends with `SUPERSEDED`."""
        if self._attachment is not None and not self._attachment.done():
            self._attachment.set_result(SUPERSEDED)
        mine = self._attachment = asyncio.get_running_loop().create_future()
        self.unattached_s = 0.0
        try:
            await asyncio.wait({mine, self.ended}, return_when=asyncio.FIRST_COMPLETED)
            return mine.result() if mine.done() else self.ended.result()
        finally:
            if self._attachment is mine:
                self._attachment = None

    def started(self, pid: int, start: str) -> None:
        """Note the process that is the run's shim; pid 0 if the run will never have one."""
        self._pid, self._start = pid, start
        self._started_at = time.monotonic()
        self._started.set()

    def withdraw(self) -> None:
        """Give the run up before it begins."""
        self.is_withdrawn = True
        if self.preparing is not None:
            self.preparing.cancel()

    async def watch(self) -> Outcome:
        """Wait until the shim has ended, and return the run's outcome."""
        outcome = await self._outcome()
        # Of a run that an earlier host process has begun, nobody here knows how long it took.
        since = None if self.is_adopted else self._started_at
        return outcome if since is None else replace(outcome, ran_s=time.monotonic() - since)

    async def _outcome(self) -> Outcome:
        await wait_for_exit(self._pid, self._start)
        outcome = self.directory.outcome()
        if outcome is None and await self._waited_for_another():
            outcome = self.directory.outcome()
        if outcome is None:
            await kill_leftovers(str(self.key))
            await asyncio.to_thread(self.directory.put_frames_back)
            outcome = await self._without_outcome()
            # If the disk is full, the outcome is kept in memory only.
            with contextlib.suppress(OSError):
                self.directory.keep_outcome(outcome)
        elif outcome.kind is OutcomeKind.CANCELED and self.stop_reason:
            outcome = Outcome(OutcomeKind.CANCELED, self.stop_reason)
        return outcome

    async def _without_outcome(self) -> Outcome:
        """Return the outcome of a run whose shim has left none."""
        if self.stop_reason is not None:
            return Outcome(OutcomeKind.CANCELED, self.stop_reason)
        if self.failure is not None:
            return Outcome(OutcomeKind.FAILED, self.failure)
        # The shim writes nothing to a disk that takes nothing.
        cause = await asyncio.to_thread(trouble_with, [str(self.directory.path)], 0)
        return _LOST if cause is None else outcome_of(cause)

    async def _waited_for_another(self) -> bool:
        # Two shims were started because an answer was lost, and the first one has claimed the run.
        executor = self.directory.executor()
        if executor.pid in (0, self._pid):
            return False
        self._pid, self._start = executor.pid, executor.start
        await wait_for_exit(self._pid, self._start)
        return True

    async def fail(self, reason: str, grace_s: float) -> None:
        """Stop the run as one that has failed; return when it has ended."""
        self.failure = reason
        # If the disk is full, only this process knows the reason.
        with contextlib.suppress(OSError):
            self.directory.order_failure(reason)
        await self._end(grace_s)

    async def stop(self, reason: str, grace_s: float) -> None:
        """Stop the run's shim, which stops its processes; return when the run has ended."""
        self.stop_reason = self.stop_reason or reason
        if self.preparing is not None:
            self.preparing.cancel()
        await self._end(grace_s)

    async def _end(self, grace_s: float) -> None:
        await self._started.wait()
        order_to_stop(self._pid, self._start)
        await asyncio.wait({self.ended}, timeout=grace_s + _SHIM_MARGIN_S)
        if not self.ended.done():
            # The shim may hang in a file system.
            kill(self._pid, self._start)
            await asyncio.wait({self.ended})
