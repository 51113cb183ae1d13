"""A host: everything that a render machine does, apart from the process and its command line.

Simulated hosts (bench, chaos) use this class with other `Runs`, many of them in one process.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from enum import Enum, auto
from pathlib import Path
from typing import Any, Protocol

import psutil

from activities.run_task import LocalRendering
from worker_host.asides import Asides
from worker_host.control_channel import ControlChannel, Dismissed, Superseded
from worker_host.examining import Examine, Examining
from worker_host.images import Previews
from worker_host.machine_faults import MachineFaults
from worker_host.manager_client import ManagerClient
from worker_host.memory_peaks import MemoryPeaks
from worker_host.own_secret import Keep, OwnSecret, not_kept
from worker_host.provisioned import ProvisionedPrograms
from worker_host.registration import CannotJoin, Credentials
from worker_host.run_spec import Command, RunHooks, RunSpec
from worker_host.settings import HostSettings
from worker_host.statistics import MachineStatistics, ProcessStatistics
from worker_host.temporal_link import Connect, LinkSettings, TemporalLink, TunneledTemporal
from worker_host.upgrading import Upgrading
from worker_host.versions_folder import VersionsFolder
from workflows.domain import asides, control
from workflows.domain.messages import Outcome, RunKey, RunRef
from workflows.domain.statuses import WorkerStatus

logger = logging.getLogger(__name__)


class Runs(Protocol):
    """The machine's runs. `worker_host.run_table.RunTable` is the real implementation."""

    async def open(self) -> list[RunKey]: ...
    def live(self) -> list[RunKey]: ...

    def named(self) -> list[RunKey]:
        """Return the runs that live, then those whose outcome was not accepted yet."""
        ...

    def pids(self) -> Mapping[RunKey, int]:
        """Return the pid of the top process of each live run."""
        ...

    async def task_id(self, key: RunKey) -> str: ...
    def refuse(self, reason: str) -> None: ...
    def signed_on(self) -> None: ...
    async def run_or_attach(self, ref: RunRef) -> Outcome: ...
    async def stop(self, key: RunKey, reason: str) -> None: ...
    async def withdraw(self, key: RunKey) -> Outcome: ...
    async def stop_all(self, reason: str) -> None: ...
    def accepted(self, key: RunKey) -> None: ...
    def progress(self, key: RunKey) -> Mapping[str, Any]: ...
    async def close(self, *, stop_runs: bool) -> None: ...


MakeRuns = Callable[[RunHooks], Runs]


class Ended(Enum):
    """Why a host has ended."""

    SHUT_DOWN = auto()
    RESTART = auto()
    SUPERSEDED = auto()
    """Another process has signed on with the same credentials."""
    DISMISSED = auto()
    """The worker was deleted."""
    UPGRADED = auto()
    """Another version is installed, and goes on with the runs."""
    WELCOMED = auto()
    """The host was on trial, and the farm has welcomed it. Its runs go on."""


#: The next process on this machine adopts the runs, so that none is stopped.
_LEAVES_RUNS = frozenset({Ended.UPGRADED, Ended.WELCOMED})


class Host:
    """A render machine's host.

    Make it with `Host(settings, credentials, lambda hooks: RunTable(…, hooks))`, then call `run()`.

    Args:
        make_runs: returns the machine's runs; it gets the host as their hooks.
        connect: how to reach Temporal; by default in the way that the manager says.
        context: for TLS to the manager; None: the system's authorities are trusted.
        software: the software's name and version, shown with the worker.
        examine: returns what the doctor of this machine finds, as `doctor.told` has it; None: this
            host has no doctor.
        keep: stores credentials with a new secret that the farm has sent.
        versions: where other versions are installed; None: this host cannot be upgraded.
        on_trial: whether the host ends when the farm has welcomed it.
    """

    def __init__(
        self,
        settings: HostSettings,
        credentials: Credentials,
        make_runs: MakeRuns,
        *,
        connect: Connect | None = None,
        context: ssl.SSLContext | None = None,
        software: str = "Tablao",
        examine: Examine | None = None,
        keep: Keep = not_kept,
        versions: VersionsFolder | None = None,
        on_trial: bool = False,
    ) -> None:
        self._settings = settings
        self._on_trial = on_trial
        self._software = software
        self._own = OwnSecret(credentials, keep)
        self._manager = ManagerClient(settings, self._own, context)
        self._table = make_runs(self)
        self._run_ended = asyncio.Event()
        self._previews = Previews(self._send_image)
        self._channel = ControlChannel(
            settings.manager, self._own.headers, self, settings.channel_times, context
        )
        identity = f"{settings.name} {credentials.worker_id}"
        self._temporal = TunneledTemporal(settings.manager, self._own.headers, identity, context)
        self._rendering = LocalRendering(self._table, heartbeat_every_s=settings.heartbeat_every_s)
        self._link = TemporalLink(
            [self._rendering.run_task, self._rendering.withdraw_task],
            connect or self._temporal.connect,
            _link_settings(settings),
            live_runs=self._table.live,
        )
        self._machine = MachineStatistics(settings.data_dir)
        self._processes = ProcessStatistics()
        self._examining = Examining(examine, self._channel.send) if examine else None
        self._memory = MemoryPeaks(self._table, self._memory_grown)
        self._provisioned = ProvisionedPrograms()
        self._asides = Asides(settings.probe_every_s, self._asides_changed)
        self._faults = MachineFaults(
            self._asides,
            runs_dir=settings.runs_dir,
            min_free=settings.run_settings.min_free,
            task_types=settings.task_types,
            tools=settings.run_settings.tools,
        )
        self._upgrading = None if versions is None else self._upgrading_in(versions)
        self._programs: Mapping[str, Any] = {}
        self._refusal = ""
        """Why new runs are refused because of the status; empty if they are not."""
        self._session: int | None = None
        self._status: WorkerStatus | None = None
        self._becoming: asyncio.Task[None] | None = None
        self._background: set[asyncio.Task[Any]] = set()
        self._end: asyncio.Future[Ended] = asyncio.get_running_loop().create_future()

    def _upgrading_in(self, versions: VersionsFolder) -> Upgrading:
        return Upgrading(
            versions,
            self._settings.manager,
            self._manager.fetch_wheel,
            self._channel.send,
            lambda: self._end_as(Ended.UPGRADED),
        )

    async def run(self) -> Ended:
        """Serve the farm until ordered to end.

        Raises:
            HostAlreadyRuns: another process works in this data directory.
        """
        await self._table.open()
        duties: list[asyncio.Task[None]] = [
            asyncio.create_task(self._stay_connected(), name="control channel"),
            asyncio.create_task(self._link.run(), name="temporal link"),
            asyncio.create_task(self._previews.run(), name="previews"),
            asyncio.create_task(self._memory.run(), name="memory peaks"),
            asyncio.create_task(self._give_up_when_alone(), name="alone"),
            asyncio.create_task(self._asides.run(), name="probes"),
        ]
        try:
            waiting: list[asyncio.Future[Any]] = [self._end, *duties]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for duty in duties:
                if duty.done():
                    duty.result()  # raises its exception: a duty that ends by itself is a bug
            # A worker that sleeps has no runs. Its sign-off remembers that it slept.
            if self._end.result() not in _LEAVES_RUNS or self._status is WorkerStatus.ASLEEP:
                await self._leave(self._end.result())
        finally:
            if not self._end.done():
                self._end.cancel()
            for duty in [*duties, *self._background]:
                duty.cancel()
            await asyncio.gather(*duties, *self._background, return_exceptions=True)
            self._rendering.let_go()
            await self._link.close(self._settings.sign_off_s)
            await self._table.close(stop_runs=False)
            await self._temporal.close()
            await self._manager.close()
        return self._end.result()

    def shut_down(self) -> None:
        """Stop the runs, report their outcomes, sign off and end."""
        self._become(WorkerStatus.OFFLINE, is_lazy=False)

    # --- calls from the runs (RunHooks) -----------------------------------------------------------

    async def fetch(self, ref: RunRef) -> RunSpec:
        spec = await self._manager.fetch(ref)
        self._faults.storage_is(spec.storage)
        return spec

    def connected(self) -> bool:
        return self._channel.is_connected and self._link.is_connected

    async def log_written(self, key: RunKey, offset: int, data: bytes) -> int:
        return await self._channel.send_log(key, offset, data)

    def progressed(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        self._memory.look_soon()
        self._tell_progress(key, progress)

    def _memory_grown(self, key: RunKey) -> None:
        self._tell_progress(key, self._table.progress(key))

    def _tell_progress(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        peak = self._memory.of(key)
        told = progress if peak is None else {**progress, "memory_peak": peak}
        self._channel.send_progress(key, told)

    def image_saved(self, key: RunKey, path: Path) -> None:
        self._previews.saved(key, path)

    def machine_failed(self, outcome: Outcome, commands: Sequence[Command]) -> None:
        self._faults.run_failed(outcome, commands)

    def run_completed(self) -> None:
        self._asides.worked()
        self._faults.run_completed()

    def run_ended(self) -> None:
        self._run_ended.set()

    async def _send_image(self, key: RunKey, jpeg: bytes) -> None:
        """Send a preview of a run.

        Raises:
            httpx.HTTPError, RunRefused: the manager does not take it.
        """
        await self._manager.send_image(await self._table.task_id(key), jpeg)

    # --- messages of the manager (control_channel.Receiver) ---------------------------------------

    def hello(self) -> control.Hello:
        return control.Hello(
            slots=self._settings.slots,
            software=self._software,
            session=self._session,
            status=str(self._status or ""),
            runs=tuple(str(key) for key in self._table.named()[: control.MOST_RUNS]),
            provisioned=self._settings.provisioned,
            has_deck=True,
            can_upgrade=self._upgrading is not None,
            asides=asides.told(self._asides.all()),
        )

    def welcomed(self, welcome: control.Welcome) -> None:
        if self._on_trial:
            self._end_as(Ended.WELCOMED)
            return
        if welcome.session != self._session:
            self._session = welcome.session
            self._table.signed_on()
        self._link.assign(welcome)
        self._provisioned.told(welcome.provision)
        self._programs = welcome.programs
        for key in welcome.stop:
            self._in_background(self._table.stop(RunKey.parse(key), "The farm gave it up"))
        for key in welcome.settled:
            self._table.accepted(RunKey.parse(key))
        if self._upgrading is not None:
            self._in_background(self._upgrading.welcomed())
        if self._examining is not None:
            self._in_background(self._examining.welcomed())
        self._become(WorkerStatus(welcome.status), is_lazy=welcome.is_lazy)

    def told(self, message: control.Told) -> None:
        match message:
            case control.Provisioned(provision):
                self._provisioned.told(provision)
                self._in_background(self._look_for_programs())
            case control.Forgive():
                self._asides.forgive()
            case control.Examine() if self._examining is not None:
                self._in_background(self._examining.carry_out())
            case control.StopRun() | control.Settled():
                self._told_of_run(message)
            case control.NewSecret(secret):
                self._in_background(self._take_secret(secret))
            case control.Upgrade() if self._upgrading is not None:
                self._in_background(self._upgrading.carry_out(message))
            case control.StatusOrder(status, is_lazy):
                self._become(WorkerStatus(status), is_lazy=is_lazy)

    def _told_of_run(self, message: control.StopRun | control.Settled) -> None:
        key = RunKey.parse(message.key)
        if isinstance(message, control.StopRun):
            self._in_background(self._table.stop(key, message.reason))
        else:
            self._table.accepted(key)

    async def _take_secret(self, secret: str) -> None:
        """Store the worker's new secret, and use it: that ends the old one."""
        try:
            await self._own.replace(secret)
        except (OSError, CannotJoin) as problem:
            logger.warning(
                "the worker's new secret cannot be stored, the old one stays: %s", problem
            )
            return
        # Temporal's connections end with the old secret, and then show the new one, too.
        await self._channel.reconnect()

    async def statistics(self) -> Mapping[str, Any]:
        pids = self._table.pids()
        try:
            machine = await asyncio.to_thread(self._machine.of_machine)
            runs = await asyncio.to_thread(self._processes.of_runs, pids)
            missing = await asyncio.to_thread(self._provisioned.missing)
            return {**machine, "runs": runs, "missing_programs": missing}
        except (OSError, psutil.Error) as problem:
            logger.warning("no statistics of this machine: %s", problem)
            return {}

    # --- statuses ---------------------------------------------------------------------------------

    def _become(self, status: WorkerStatus, *, is_lazy: bool) -> None:
        if self._is_ending:
            return
        if self._becoming is not None:
            self._becoming.cancel()  # the newest order counts
        self._becoming = self._in_background(self._change(status, is_lazy))

    @property
    def _is_ending(self) -> bool:
        return self._end.done()

    def _end_as(self, ended: Ended) -> None:
        if not self._is_ending:
            self._end.set_result(ended)

    async def _change(self, status: WorkerStatus, is_lazy: bool) -> None:
        match status:
            case WorkerStatus.AWAKE:
                self._refuse("")
                await self._look_for_programs()
                await self._report(status)
            case WorkerStatus.OFFLINE | WorkerStatus.RESTART:
                self._refuse("the worker shuts down")
                await self._idle(is_lazy)
                is_restart = status is WorkerStatus.RESTART
                self._end_as(Ended.RESTART if is_restart else Ended.SHUT_DOWN)
            case _:  # Flamenco's worker sleeps, too, at any other word
                self._refuse("the worker is asleep")
                await self._idle(is_lazy)
                await self._report(WorkerStatus.ASLEEP)
                await self._table.stop_all("The worker was sent to sleep")

    async def _idle(self, is_lazy: bool) -> None:
        """If `is_lazy`, wait until no run lives here any more."""
        while is_lazy and self._table.live():
            self._run_ended.clear()
            await self._run_ended.wait()

    async def _look_for_programs(self) -> None:
        await self._faults.look_for_programs(self._programs, self._provisioned.settings)

    def _refuse(self, because_of_status: str) -> None:
        self._refusal = because_of_status
        self._table.refuse(because_of_status or self._asides.reason)

    def _asides_changed(self) -> None:
        self._refuse(self._refusal)
        # If it cannot be sent now, the next connection's hello says it.
        message = control.SetAside(asides.told(self._asides.all()))
        self._in_background(self._channel.send(message))

    async def _report(self, status: WorkerStatus) -> None:
        self._status = status
        # If it cannot be sent now, the next connection's hello reports the status.
        await self._channel.send(control.StatusReport(str(status)))

    # --- connecting and leaving -------------------------------------------------------------------

    async def _stay_connected(self) -> None:
        try:
            await self._channel.run()
        except (Superseded, Dismissed) as end:
            if not self._end.done():
                was_deleted = isinstance(end, Dismissed)
                self._end.set_result(Ended.DISMISSED if was_deleted else Ended.SUPERSEDED)
            await asyncio.Event().wait()  # is canceled with the other duties

    async def _give_up_when_alone(self) -> None:
        """Stop the runs when neither the manager nor Temporal has answered for long.

        Other hosts have taken over the tasks by then.
        """
        heard = time.monotonic()
        while True:
            await asyncio.sleep(self._settings.temporal_check_s)
            if self._channel.is_connected or self._link.is_connected:
                heard = time.monotonic()
            elif time.monotonic() - heard > self._settings.orphan_after_s and self._table.live():
                logger.warning(
                    "neither the manager nor Temporal has answered for long; stopping runs"
                )
                await self._table.stop_all("The worker lost its farm")

    async def _leave(self, ended: Ended) -> None:
        self._refuse("the worker shuts down")
        is_ours = ended not in (Ended.SUPERSEDED, Ended.DISMISSED)
        if is_ours and self._status is WorkerStatus.AWAKE:
            # Report it now, so that the worker is not lent in the seconds that stopping takes. A
            # sleeping worker is not lent anyway, and the sign-off remembers that it slept.
            await self._channel.send(control.StatusReport(str(WorkerStatus.OFFLINE)))
        await self._table.stop_all("The worker shuts down")
        await self._link.close(self._settings.sign_off_s)
        if is_ours:
            await self._manager.sign_off()

    def _in_background(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        asyncio_task = asyncio.create_task(work)
        self._background.add(asyncio_task)
        asyncio_task.add_done_callback(self._background.discard)
        return asyncio_task


def _link_settings(settings: HostSettings) -> LinkSettings:
    return LinkSettings(
        slots=settings.slots,
        spare_slots=settings.spare_slots,
        heartbeat_every_s=settings.heartbeat_every_s,
        check_every_s=settings.temporal_check_s,
        retry_from_s=settings.retry_from_s,
        retry_to_s=settings.retry_to_s,
    )
