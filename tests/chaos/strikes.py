"""How each fault of a plan is done to a farm, and how it is mended."""

import random
import signal
import sqlite3
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from time import time

import psutil
from sqlalchemy import make_url

from tests.chaos.farm import ChaosFarm, send_signal
from tests.chaos.plan import CLOCKS, Fault, Kind, Store
from tests.chaos.relay import Relay
from tests.chaos.stores import Stores
from tests.chaos.watch import ProcessWatch, Render
from tests.farm.processes import wait_until
from tests.manager.postgres import program, restart_at_once

#: A task that is killed on three machines is its own fault (rule 20), so it is killed twice.
_MOST_KILLS_OF_A_TASK = 2
_DELAY_S = 0.05
_LOST_SHARE = 0.02

Mend = Callable[[], None]


class NothingToStrike(Exception):
    """What the fault concerns is not there at this moment, such as a renderer that runs."""


@dataclass(slots=True)
class Struck:
    """A fault that has been done to the farm."""

    fault: Fault
    began: float
    """In seconds since the epoch, as `ended`."""
    ended: float = inf
    pids: list[int] = field(default_factory=list)
    """Renderers that died or were stopped with it."""
    copied: float = inf
    """When the stores were copied that were set back."""
    has_logs: bool = False
    """Whether logs of tasks were set back with them."""


class Strikes:
    def __init__(self, farm: ChaosFarm, watch: ProcessWatch, stores: Stores) -> None:
        self.farm = farm
        self.down: set[str] = set()
        """Processes that are meant to be away; all others are started again if they end."""
        self._watch = watch
        self._stores = stores
        self._chance = random.Random(farm.plan.seed)
        self._kills: dict[str, int] = {}
        self._copied: dict[Fault, tuple[Path, float]] = {}

    def copy(self, fault: Fault) -> None:
        """Copy the stores that this fault will set back."""
        folder = self.farm.directory / f"copies-{len(self._copied)}"
        at = time()
        folder.mkdir()
        self._stores.copy(self.farm, fault.kind, folder)
        self._copied[fault] = (folder, at)

    def strike(self, fault: Fault) -> tuple[Struck, Mend]:
        """Begin a fault; what is returned with it ends it.

        Raises:
            NothingToStrike: the fault cannot be done now.
        """
        struck = Struck(fault, time())
        mend = _STRIKES[fault.kind](self, fault, struck)

        def mended() -> None:
            mend()
            struck.ended = time()

        return struck, mended

    # --- processes -------------------------------------------------------------------------------

    def _kill(self, fault: Fault, struck: Struck) -> Mend:
        name = fault.target
        with_shims = fault.kind is Kind.KILL_HOST_AND_SHIMS
        self.down.add(name)
        runs = [each for each in self._watch.living() if each.host == name]
        self.farm.kill(name)
        if with_shims:
            send_signal(self.farm.shim_pids(name), signal.SIGKILL)
            struck.pids += [each.pid for each in runs]
        return lambda: self._start(name)

    def _end(self, fault: Fault, struck: Struck) -> Mend:
        name = fault.target
        self.down.add(name)
        self.farm.process(name).terminate()
        if fault.kind is Kind.UPGRADE_HOST:
            # The second one is heard only by a host that has begun to end.
            self.farm.process(name).terminate()

        def start() -> None:
            try:
                self.farm.process(name).wait(30)
            except subprocess.TimeoutExpired:
                self.farm.kill(name)
            self._start(name)

        return start

    def _start(self, name: str) -> None:
        self.down.discard(name)
        self.farm.launch(name)

    def _stop(self, fault: Fault, struck: Struck) -> Mend:
        process = self.farm.process(fault.target)
        return _stopped([process.pid])

    def _shim(self, fault: Fault, struck: Struck) -> Mend:
        render = self._a_render(fault)
        shim = psutil.Process(render.pid).ppid()
        struck.pids.append(render.pid)
        if fault.kind is Kind.STOP_SHIM:
            return _stopped([shim])
        self._count_kill(render)
        send_signal([shim], signal.SIGKILL)
        return _nothing

    def _renderer(self, fault: Fault, struck: Struck) -> Mend:
        render = self._a_render(fault)
        struck.pids.append(render.pid)
        if fault.kind is Kind.STOP_RENDERER:
            return _stopped([render.pid])
        self._count_kill(render)
        send_signal([render.pid], signal.SIGKILL)
        return _nothing

    def _a_render(self, fault: Fault) -> Render:
        found = [
            each
            for each in self._watch.living()
            if each.host == fault.target and self._kills.get(each.task, 0) < _MOST_KILLS_OF_A_TASK
        ]
        if not found:
            raise NothingToStrike(f"{fault.target} renders nothing")
        return self._chance.choice(found)

    def _count_kill(self, render: Render) -> None:
        self._kills[render.task] = self._kills.get(render.task, 0) + 1

    def _kill_temporal(self, fault: Fault, struck: Struck) -> Mend:
        send_signal([self._temporal()], signal.SIGKILL)
        return _nothing  # its manager starts it again

    def _stop_temporal(self, fault: Fault, struck: Struck) -> Mend:
        return _stopped([self._temporal()])

    def _temporal(self) -> int:
        pid = self.farm.temporal_pid()
        if pid is None:
            raise NothingToStrike("Temporal does not run")
        return pid

    def _kill_postgresql(self, fault: Fault, struck: Struck) -> Mend:
        send_signal(self.farm.postgres_pids(), signal.SIGKILL)
        return lambda: _start_postgresql(self.farm.database_url)

    def _stop_postgresql(self, fault: Fault, struck: Struck) -> Mend:
        return _stopped(self.farm.postgres_pids())

    # --- database, disks, network ----------------------------------------------------------------

    def _lock_database(self, fault: Fault, struck: Struck) -> Mend:
        if self.farm.plan.shape.store is Store.SQLITE:
            connection = sqlite3.connect(self.farm.data_dir / "tablao.sqlite", timeout=1)
            try:
                connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as busy:
                # For example a manager that was stopped while it was writing.
                connection.close()
                raise NothingToStrike(str(busy)) from busy
            return connection.close
        url = make_url(self.farm.database_url)
        lock = "BEGIN; LOCK TABLE jobs, tasks, leases IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(60)"
        server = ["-h", str(url.query["host"]), "-U", str(url.username), "-d", str(url.database)]
        process = subprocess.Popen(
            [program("psql"), "-q", *server, "-c", lock],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # it says there that it has canceled
        )

        def unlock() -> None:
            # On this signal psql cancels its statement at the server.
            process.send_signal(signal.SIGINT)
            process.wait(30)

        return unlock

    def _fill(self, fault: Fault, struck: Struck) -> Mend:
        names = {Kind.FILL_MANAGER: "manager", Kind.FILL_STORAGE: "storage"}
        disk = self.farm.disks[names.get(fault.kind, fault.target)]
        disk.fill()
        return disk.clear

    def _cut(self, fault: Fault, struck: Struck) -> Mend:
        relay = self._relay(fault)
        relay.cut()
        return relay.mend

    def _stall(self, fault: Fault, struck: Struck) -> Mend:
        relay = self._relay(fault)
        relay.stall()
        return relay.mend

    def _delay(self, fault: Fault, struck: Struck) -> Mend:
        relay = self._relay(fault)
        relay.delay(_DELAY_S)
        return relay.mend

    def _lose(self, fault: Fault, struck: Struck) -> Mend:
        relay = self._relay(fault)
        relay.lose(_LOST_SHARE)
        return relay.mend

    def _relay(self, fault: Fault) -> Relay:
        ends = {Kind.CUT_DATABASE: " database", Kind.STALL_DATABASE: " database"}
        ends |= {Kind.CUT_TEMPORAL: " Temporal", Kind.STALL_TEMPORAL: " Temporal"}
        return self.farm.relays[fault.target + ends.get(fault.kind, "")]

    # --- clocks ----------------------------------------------------------------------------------

    def _put_clock(self, fault: Fault, struck: Struck) -> Mend:
        self.farm.put_clock(fault.target, CLOCKS[fault.kind])
        return lambda: self.farm.put_clock(fault.target, 0)

    # --- stores ----------------------------------------------------------------------------------

    def _set_back(self, fault: Fault, struck: Struck) -> Mend:
        folder, struck.copied = self._copied[fault]
        managers = [name for name in self.farm.names if name.startswith("manager")]
        self.down.update(managers)
        for name in managers:
            self.farm.kill(name)
        if (pid := self.farm.temporal_pid()) is not None:
            send_signal([pid], signal.SIGKILL)
            psutil.wait_procs([psutil.Process(pid)] if psutil.pid_exists(pid) else [], 30)
        struck.has_logs = self._stores.has_logs
        self._stores.put_back(self.farm, fault.kind, folder)

        def start() -> None:
            for name in managers:
                self._start(name)

        return start


def _start_postgresql(url: str) -> None:
    """Start it again, as soon as its last process is gone, which holds on to shared memory."""

    def is_started() -> bool:
        try:
            restart_at_once(url)
        except subprocess.CalledProcessError:
            return False
        return True

    wait_until(is_started, 60, 0.5)


def _stopped(pids: Sequence[int]) -> Mend:
    there = send_signal(list(pids), signal.SIGSTOP)
    if not there:
        raise NothingToStrike("the process has ended")
    return lambda: _continue(there)


def _continue(pids: list[int]) -> None:
    send_signal(pids, signal.SIGCONT)


def _nothing() -> None: ...


_STRIKES: Mapping[Kind, Callable[[Strikes, Fault, Struck], Mend]] = {
    Kind.KILL_HOST: Strikes._kill,
    Kind.KILL_HOST_AND_SHIMS: Strikes._kill,
    Kind.END_HOST: Strikes._end,
    Kind.UPGRADE_HOST: Strikes._end,
    Kind.STOP_HOST: Strikes._stop,
    Kind.KILL_SHIM: Strikes._shim,
    Kind.STOP_SHIM: Strikes._shim,
    Kind.KILL_RENDERER: Strikes._renderer,
    Kind.STOP_RENDERER: Strikes._renderer,
    Kind.KILL_MANAGER: Strikes._kill,
    Kind.UPGRADE_MANAGER: Strikes._end,
    Kind.STOP_MANAGER: Strikes._stop,
    Kind.KILL_TEMPORAL: Strikes._kill_temporal,
    Kind.STOP_TEMPORAL: Strikes._stop_temporal,
    Kind.KILL_POSTGRESQL: Strikes._kill_postgresql,
    Kind.STOP_POSTGRESQL: Strikes._stop_postgresql,
    Kind.LOCK_DATABASE: Strikes._lock_database,
    Kind.CUT_HOST: Strikes._cut,
    Kind.STALL_HOST: Strikes._stall,
    Kind.DELAY_HOST: Strikes._delay,
    Kind.LOSE_HOST: Strikes._lose,
    Kind.CUT_DATABASE: Strikes._cut,
    Kind.STALL_DATABASE: Strikes._stall,
    Kind.CUT_TEMPORAL: Strikes._cut,
    Kind.STALL_TEMPORAL: Strikes._stall,
    Kind.FILL_HOST: Strikes._fill,
    Kind.FILL_MANAGER: Strikes._fill,
    Kind.FILL_STORAGE: Strikes._fill,
    Kind.FORWARD_HOST: Strikes._put_clock,
    Kind.BACK_HOST: Strikes._put_clock,
    Kind.FORWARD_MANAGER: Strikes._put_clock,
    Kind.BACK_MANAGER: Strikes._put_clock,
    Kind.SET_BACK_DATABASE: Strikes._set_back,
    Kind.SET_BACK_TEMPORAL: Strikes._set_back,
    Kind.SET_BACK_BOTH: Strikes._set_back,
}
