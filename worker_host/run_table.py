"""The runs of this machine, by key, on disk: fetch, begin, attach, keep, stop, adopt."""

import asyncio
import contextlib
import logging
import shutil
import time
from collections.abc import Coroutine, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from worker_host import processes
from worker_host.disks import cause_of
from worker_host.live_run import LiveRun, outcome_of
from worker_host.log_tail import LogTail
from worker_host.processes.supervision import Shims
from worker_host.run_directory import RunDirectory
from worker_host.run_spec import RunHooks, RunRefused, RunSettings, RunSpec
from worker_host.runs_folder import RunsFolder
from worker_host.silence import SilenceWatch
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.fault_rules import Fault
from workflows.domain.messages import Outcome, OutcomeKind, RunKey, RunRef
from workflows.domain.run_sentences import was_silent
from workflows.domain.runs import (
    CANCELED_BEFORE,
    Attach,
    Begin,
    Kept,
    RunBook,
    StopOrder,
    Withdrawal,
)

_LOG = logging.getLogger(__name__)

#: Outcomes that may be forgotten: the task is tried again anyway, and the manager may never say
#: that they have arrived.
_WORTH_NOTHING = frozenset({OutcomeKind.CANCELED, OutcomeKind.LOST})
#: Commands that were fetched longer ago are fetched once more before the run begins, because the
#: farm's settings may have changed. In seconds.
_FRESH_S = 30.0
#: For so long a run is waited for that another one is to follow, or that is to be withdrawn. In
#: seconds.
_IN_ORDER_S = 2.0
WITHDRAWN = Outcome(OutcomeKind.WITHDRAWN, "it was taken off the deck")
#: How many runs' task ids are remembered; far fewer runs end while one image is decoded.
_REMEMBERED_TASKS = 256


class RunTable:
    """The runs of this machine.

    They outlive this object and its process; a new table on the same directory adopts them.
    """

    def __init__(
        self,
        runs_dir: Path,
        hooks: RunHooks,
        settings: RunSettings = RunSettings(),  # noqa: B008 - frozen
    ) -> None:
        self._folder = RunsFolder(runs_dir.absolute())
        self._settings = settings
        self._hooks = hooks
        self._book = RunBook()
        self._runs: dict[RunKey, LiveRun] = {}
        self._task_ids: BoundedDict[RunKey, str] = BoundedDict(_REMEMBERED_TASKS)
        """Task ids by run, kept beyond the run's end: its last preview may be sent later."""
        self._expected: dict[RunKey, asyncio.Event] = {}
        """Runs that are waited for although they have not been asked for."""
        self._shims = Shims()
        self._silence = SilenceWatch(self._told_silence)
        self._background: set[asyncio.Task[None]] = set()

    async def open(self) -> list[RunKey]:
        """Take the directory's lock and adopt an earlier host's runs; return the runs that live.

        Raises:
            HostAlreadyRuns: another process holds the lock.
        """
        await self._folder.lock()
        for key, since in self._folder.tombstones().items():
            self._book.stop(key, since)
        for directory in self._folder.runs():
            self._adopt(directory)
        await self._shims.warm_up()
        self._in_background(self._tick())
        self._in_background(self._watch_silence())
        return self.live()

    def live(self) -> list[RunKey]:
        """Return the runs that are beginning or live."""
        return self._book.live()

    def named(self) -> list[RunKey]:
        """Return the runs that live, then those whose outcome was not accepted yet."""
        live = set(self._book.live())
        return sorted(self._runs, key=lambda key: (key not in live, key))

    def pids(self) -> dict[RunKey, int]:
        """Return the pid of the top process of each live run."""
        runs = ((key, self._runs[key]) for key in self.live())
        return {key: run.pid for key, run in runs if run.pid}

    async def task_id(self, key: RunKey) -> str:
        """Return the id of a run's task.

        Raises:
            RunRefused: the run is not known here, or the manager refuses its commands.
        """
        if key not in self._task_ids:
            if key not in self._runs:
                raise RunRefused("its run is not known here")
            await self._fetch(self._runs[key].ref)
        return self._task_ids[key]

    def refuse(self, reason: str) -> None:
        """Refuse new runs with this sentence (asleep, shutting down); an empty one accepts them."""
        self._book.refusing = reason

    def signed_on(self) -> None:
        """Forget the last session's lease generations, since a new session has begun."""
        self._book.signed_on()

    async def run_or_attach(self, ref: RunRef) -> Outcome:
        """Begin the run, or attach to it if it is here already; return its outcome.

        Canceling the call only detaches it from the run, whose grace begins (docs/protocol.md).

        Raises:
            Exception: the commands could not be fetched. `RunRefused` is not raised: it becomes an
                outcome.
        """
        decision = self._book.asked(ref)
        if (expected := self._expected.get(ref.key)) is not None:
            expected.set()
        match decision:
            case Kept(outcome):
                return outcome
            case Begin():
                directory = self._folder.directory(ref.key)
                self._runs[ref.key] = run = LiveRun(ref, directory)
                run.preparing = asyncio.ensure_future(self._prepare(run, decision.stop_first))
                self._in_background(self._execute(run, run.preparing))
            case Attach():
                run = self._runs[ref.key]
                run.ref = ref
        return await run.attach()

    async def stop(self, key: RunKey, reason: str) -> None:
        """Stop a run, or keep it from beginning. Returns when its processes are gone."""
        order = self._book.stop(key, now := time.time())
        if order is StopOrder.REMEMBER:
            # On a full disk it is remembered in memory only.
            with contextlib.suppress(OSError):
                self._folder.keep_tombstone(key, now)
        if order is not StopOrder.NOTHING and key in self._runs:
            stopping = self._runs[key].stop(reason, self._settings.stop_grace_s)
            await asyncio.shield(self._in_background(stopping))

    async def withdraw(self, key: RunKey) -> Outcome:
        """Take a run off the deck. Returns `WITHDRAWN`, or `BEGUN` if it goes on.

        A run that is not asked for in a moment never begins, which is `CANCELED`.
        """
        await self._until_asked_for(key)
        match self._book.withdraw(key, now := time.time()):
            case Withdrawal.BEGUN:
                return Outcome(OutcomeKind.BEGUN)
            case Withdrawal.UNKNOWN:
                with contextlib.suppress(OSError):
                    self._folder.keep_tombstone(key, now)
                return CANCELED_BEFORE
            case Withdrawal.WITHDRAWN:
                run = self._runs[key]
                run.withdraw()
                self._come_to_nothing(run, WITHDRAWN)
                return WITHDRAWN

    async def stop_all(self, reason: str) -> None:
        """Stop every run. Returns when all processes are gone."""
        await asyncio.gather(*(self.stop(key, reason) for key in self.live()))

    def accepted(self, key: RunKey) -> None:
        """Note that a run's outcome is not needed any more.

        Its directory is removed when the run has ended and the whole log is stored.
        """
        run = self._runs.get(key)
        if run is None:
            return
        run.is_accepted = True
        with contextlib.suppress(OSError):
            run.directory.keep_delivered()
        if run.ended.done() and (run.tail is None or run.tail.is_stored):
            self._remove(run)

    def progress(self, key: RunKey) -> dict[str, Any]:
        """Return a run's progress for heartbeats, as far as known.

        Keys: `command`, `steps_completed`; for Blender also `frame`, `frames_done`, `frames_total`,
        `sample`, `samples`; of a run that is or was silent, `silent_since`. Of a run on deck only
        `waits_for_task`, the index of the task that it waits for.
        """
        run = self._runs.get(key)
        if run is None:
            return {}
        if run.tail is None:
            waits_for = run.ref.after
            return {"waits_for_task": RunKey.parse(waits_for).index} if waits_for else {}
        command = run.directory.running_command()
        progress = {"command": command, **run.tail.progress()} if command else run.tail.progress()
        if run.has_been_silent:
            since = run.silent_since
            progress["silent_since"] = None if since is None else since.isoformat()
        return progress

    async def close(self, *, stop_runs: bool) -> None:
        """Close the table and release the lock; runs live on for the next host unless stopped."""
        self.refuse(self._book.refusing or "the host shuts down")
        if stop_runs:
            await self.stop_all("the worker host shuts down")
        background = list(self._background)
        for asyncio_task in background:
            asyncio_task.cancel()
        await asyncio.gather(*background, return_exceptions=True)
        await self._shims.close()
        self._folder.unlock()

    def _adopt(self, directory: RunDirectory) -> None:
        try:
            ref, outcome = directory.ref(), directory.outcome()
        except (OSError, ValueError, KeyError):
            # An earlier host crashed before it had written the commands, or this is no run's.
            shutil.rmtree(directory.path, ignore_errors=True)
            return
        run = self._runs[ref.key] = LiveRun(ref, directory, is_adopted=True)
        self._book.adopt(ref, outcome)
        self._follow_log(run, is_adopted=True)
        if outcome is None:
            executor = directory.executor()
            run.started(executor.pid, executor.start)
            self._in_background(self._watch(run))
        else:
            self._settle(run, outcome)

    async def _execute(self, run: LiveRun, preparing: asyncio.Future[RunSpec]) -> None:
        try:
            spec = await preparing
            run.preparing = None
            run.directory.create(run.ref, spec, self._settings)
            pid = await self._shims.begin(run.directory.path)
            run.started(pid, processes.identity(pid))
        except asyncio.CancelledError:
            if run.is_withdrawn:
                return
            if run.stop_reason is None:
                raise  # the table is being closed
            self._come_to_nothing(run, CANCELED_BEFORE)
        except RunRefused as refusal:
            self._come_to_nothing(run, Outcome(OutcomeKind.REFUSED, str(refusal)))
        except OSError as error:
            cause = cause_of(error, str(run.directory.path.parent))
            self._come_to_nothing(run, error if cause is None else outcome_of(cause))
        except Exception as error:
            # The waiting call gets the exception. Nothing is kept, so the run can be asked for
            # again.
            self._come_to_nothing(run, error)
        else:
            self._follow_log(run)
            await self._watch(run)

    async def _prepare(self, run: LiveRun, stop_first: Iterable[RunKey]) -> RunSpec:
        """Wait for the slot, and fetch the commands meanwhile.

        When it returns, the run has begun for the book: it cannot be withdrawn any more.

        Raises:
            RunRefused: the manager does not hand out its commands, or the machine takes no task.
        """
        stopping = [self.stop(key, "another run takes its place") for key in stop_first]
        await asyncio.gather(*stopping)
        if run.ref.after:
            await self._until_asked_for(RunKey.parse(run.ref.after))
        spec, fetched_at = None, 0.0
        while True:
            ends = [self._runs[key].ended for key in self._book.blockers(run.key)]
            if ends:
                if spec is None:
                    fetched_at, spec = time.monotonic(), await self._fetch_early(run.ref)
                await asyncio.wait(ends)
                if time.monotonic() - fetched_at > _FRESH_S:
                    spec = None
            elif spec is None:
                fetched_at, spec = time.monotonic(), await self._fetch(run.ref)
            else:
                break
        if refusal := self._book.refusal(run.key):
            raise RunRefused(refusal)
        self._book.began(run.key)
        return spec

    async def _until_asked_for(self, key: RunKey) -> None:
        """Give a run the time to be asked for that another activity speaks of.

        Both may have been sent at the same moment, and Temporal keeps no order.
        """
        if self._book.knows(key):
            return
        expected = self._expected.setdefault(key, asyncio.Event())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_IN_ORDER_S):
                await expected.wait()
        self._expected.pop(key, None)

    async def _fetch_early(self, ref: RunRef) -> RunSpec | None:
        """Return the commands of a run that waits; None if they cannot be fetched yet.

        Raises:
            RunRefused: the manager refuses them.
        """
        try:
            return await self._fetch(ref)
        except RunRefused:
            raise
        except Exception as problem:
            _LOG.warning("the next task's commands could not be fetched yet: %r", problem)
            return None

    async def _fetch(self, ref: RunRef) -> RunSpec:
        spec = await self._hooks.fetch(ref)
        self._task_ids[ref.key] = spec.task_id
        return spec

    def _come_to_nothing(self, run: LiveRun, why: Outcome | Exception) -> None:
        shutil.rmtree(run.directory.path, ignore_errors=True)
        self._runs.pop(run.key, None)
        self._book.forget(run.key)
        run.started(0, "")
        if isinstance(why, Outcome):
            run.ended.set_result(why)
            if why.fault == Fault.MACHINE:
                self._hooks.machine_failed(why, ())
        else:
            run.ended.set_exception(why)
            run.ended.exception()  # marks it as seen, if no call is attached any more
        self._hooks.run_ended()

    async def _watch(self, run: LiveRun) -> None:
        self._settle(run, await run.watch())

    def _settle(self, run: LiveRun, outcome: Outcome) -> None:
        run.ended.set_result(self._book.ended(run.key, outcome))
        self._tell_of_machine(run, outcome)
        if run.tail is not None:
            run.tail.run_ended()
        self._hooks.run_ended()

    def _tell_of_machine(self, run: LiveRun, outcome: Outcome) -> None:
        if outcome.kind is OutcomeKind.COMPLETED:
            self._hooks.run_completed()
        elif outcome.fault == Fault.MACHINE:
            self._hooks.machine_failed(outcome, run.directory.commands())

    def _follow_log(self, run: LiveRun, *, is_adopted: bool = False) -> None:
        run.tail = LogTail(
            run.key,
            run.directory,
            run.directory.commands(),
            self._hooks,
            self._settings.log_poll_s,
            is_adopted=is_adopted,
        )
        self._in_background(run.tail.follow_progress())
        self._in_background(self._upload(run, run.tail))

    async def _upload(self, run: LiveRun, tail: LogTail) -> None:
        await tail.upload()
        if run.is_accepted or run.directory.is_delivered():
            self._remove(run)

    def _remove(self, run: LiveRun) -> None:
        if self._runs.pop(run.key, None) is not None:
            self._book.forget(run.key)
            self._in_background(asyncio.to_thread(shutil.rmtree, run.directory.path, True))

    async def _tick(self) -> None:
        """Count grace while the host is connected; remove runs and tombstones that are too old."""
        last = time.monotonic()
        while True:
            await asyncio.sleep(self._settings.tick_s)
            passed, last = time.monotonic() - last, time.monotonic()
            if self._hooks.connected():
                self._count_unattached(passed)
            for key in self._book.expire(time.time()):
                self._folder.drop_tombstone(key)
            for run in list(self._runs.values()):
                if run.ended.done() and run.directory.age_s() > self._kept_s(run):
                    self._remove(run)

    async def _watch_silence(self) -> None:
        while True:
            await asyncio.sleep(self._settings.silence_check_s)
            live = [run for key in self.live() if (run := self._runs[key]).pid]
            await self._silence.look(live, self._settings.silence_check_s)

    def _told_silence(self, key: RunKey, since: datetime | None, silent_s: float) -> None:
        run = self._runs.get(key)
        if run is None or run.stop_reason is not None or run.failure is not None:
            return
        if since is not None and run.times.stops_silent:
            reason = was_silent(silent_s)
            self._in_background(run.fail(reason, self._settings.stop_grace_s))
        elif since != run.silent_since:
            run.silent_since, run.has_been_silent = since, True
            self._hooks.progressed(key, self.progress(key))

    def _kept_s(self, run: LiveRun) -> float:
        """Return for how long the run's outcome is kept, in seconds."""
        is_stored = run.tail is None or run.tail.is_stored
        if is_stored and run.ended.result().kind in _WORTH_NOTHING:
            return self._settings.unattached_grace_s
        return self._settings.keep_ended_s

    def _count_unattached(self, passed: float) -> None:
        for key in self.live():
            run = self._runs[key]
            if run.is_attached or run.stop_reason is not None:
                continue
            run.unattached_s += passed
            if run.unattached_s >= self._settings.unattached_grace_s:
                self._in_background(self.stop(key, "nobody asked for it any more"))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        asyncio_task = asyncio.create_task(work)
        self._background.add(asyncio_task)
        asyncio_task.add_done_callback(self._background_done)
        return asyncio_task

    def _background_done(self, asyncio_task: asyncio.Task[None]) -> None:
        self._background.discard(asyncio_task)
        if not asyncio_task.cancelled() and (error := asyncio_task.exception()) is not None:
            _LOG.error("The run table failed in the background", exc_info=error)
