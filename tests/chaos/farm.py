"""A farm as a plan shapes it: managers, hosts behind relays, small disks, either database."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import httpx
import psutil
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from tests.chaos.plan import CLOCKS, DISKS, Kind, Plan, Store
from tests.chaos.relay import Relay
from tests.chaos.two_managers import TwoManagers
from tests.farm.histories import in_thread
from tests.farm.local_admin import LocalAdmin
from tests.farm.processes import SCALED, FarmProcesses, wait_until
from tests.farm.small_disk import SmallDisk, small_disk
from tests.manager.databases import create_database
from tests.manager.postgres import postgres_server

_HERE = Path(__file__).parent
#: A host that is silent for so long is lost. Everything else is scaled as in other tests.
LOST_AFTER_S = 8.0
SETTINGS: Mapping[str, str] = {
    **SCALED,
    "TABLAO_LOST_AFTER_S": str(LOST_AFTER_S),
    "TABLAO_AUDIT_S": "4",
    "TABLAO_RESTORE_MARK_S": "1",
    "TABLAO_SILENT_S": "5",
    "TABLAO_TEMPORAL_CHECK_S": "1",
    "TABLAO_RETRY_TO_S": "1",
    "TABLAO_PROBE_EVERY_S": "1",
    "TABLAO_MIN_FREE_MB": "1",
    "TABLAO_SIGN_OFF_S": "3",
}
_DISK_MB = {Kind.FILL_HOST: 48, Kind.FILL_MANAGER: 256, Kind.FILL_STORAGE: 32}
_SOCKET = ".s.PGSQL.5432"
MANAGERS = ("manager1", "manager2")


class ChaosFarm(TwoManagers):
    """Its processes, each under a name that a plan uses: manager1, manager2, host1, host2, …"""

    _place: Path | None = None

    def __init__(self, directory: Path, plan: Plan, database_url: str) -> None:
        super().__init__(directory, database_url, frame_s=0.0, settings=SETTINGS)
        self.plan = plan
        self.database_url = database_url
        if plan.shape.managers == 1:
            # Logs are in its data directory, and in its backups.
            self._settings.pop("TABLAO_LOCAL_MANAGER_STORAGE_PATH")
        self.out = directory / "shared"
        self.relays: dict[str, Relay] = {}
        """By host; and by manager: `manager1 database`, `manager2 Temporal`."""
        self.disks: dict[str, SmallDisk] = {}
        """By host; and `manager`, `storage`."""
        self.sockets = directory / "sockets"
        self._resources = ExitStack()
        (directory / "ledger").touch()

    # --- beginning and ending --------------------------------------------------------------------

    def __enter__(self) -> Self:
        with ExitStack() as begun:
            begun.callback(self._resources.close)
            self._mount_disks()
            self._relay_database()
            self._write_job_type()
            self._blender = f'#!/bin/sh\nexec {sys.executable} -I -S {self.renderer} "$@"\n'
            begun.callback(self._end_all)
            FarmProcesses.__enter__(self)
            if self.plan.shape.managers > 1:
                self._start_second_behind_relay()
            self.start_hosts(self.plan.shape.hosts)
            begun.pop_all()
        return self

    def __exit__(self, *details: object) -> None:
        try:
            self._end_all()
            kept = {disk.folder: self._kept(disk.folder) for disk in self.disks.values()}
        finally:
            self._resources.close()
        for folder, copy in kept.items():
            shutil.copytree(copy, folder, dirs_exist_ok=True)
            shutil.rmtree(copy)

    def _kept(self, folder: Path) -> Path:
        """A copy of what is on a small disk, which is gone when it is unmounted."""
        copy = folder.with_name(f"{folder.name}-copy")
        shutil.copytree(folder, copy, ignore_dangling_symlinks=True)
        return copy

    def _end_all(self) -> None:
        super().__exit__()

    @property
    def renderer(self) -> Path:
        return _HERE / "renderer.py"

    def _mount_disks(self) -> None:
        for fault in self.plan.faults:
            if fault.kind in DISKS:
                name, folder = self._disk_of(fault.kind, fault.target)
                if name not in self.disks:
                    disk = small_disk(folder, _DISK_MB[fault.kind])
                    self.disks[name] = self._resources.enter_context(disk)

    def _disk_of(self, kind: Kind, target: str) -> tuple[str, Path]:
        if kind is Kind.FILL_HOST:
            return target, self.directory / target
        if kind is Kind.FILL_MANAGER:
            return "manager", self.data_dir
        return "storage", self.out

    def _relay_database(self) -> None:
        if self.plan.shape.store is not Store.POSTGRESQL:
            return
        server = Path(str(make_url(self.database_url).query["host"])) / _SOCKET
        for name in MANAGERS[: self.plan.shape.managers]:
            # Beside the server's, because a socket's path may have 107 characters.
            folder = server.parent / f"{self.plan.seed}-{name}"
            folder.mkdir()
            relay = Relay(to_socket=server, at_socket=folder / _SOCKET)
            self.relays[f"{name} database"] = self._resources.enter_context(relay)

    def _write_job_type(self) -> None:
        scripts = self.data_dir / "scripts"
        scripts.mkdir(parents=True)
        (scripts / "chaos_render.js").write_text((_HERE / "chaos_render.js").read_text())

    def _start_second_behind_relay(self) -> None:
        port = int(self.temporal_address.rpartition(":")[2])
        relay = self._resources.enter_context(Relay(to_port=port))
        self.relays["manager2 Temporal"] = relay
        self._prepare_second(f"127.0.0.1:{relay.port}")
        self.start_second()

    # --- starting --------------------------------------------------------------------------------

    def _start(self, name: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        self._settings["HOST_NAME"] = name
        self._settings["PYTHONPATH"] = ""
        own = "manager1" if name == "manager" else name
        if any(fault.kind in CLOCKS and fault.target == own for fault in self.plan.faults):
            self._give_clock(own)
        number = {"manager": 1, "second": 2}.get(name, 0)
        if f"manager{number} database" in self.relays:
            server = make_url(self.database_url)
            folder = Path(str(server.query["host"])) / f"{self.plan.seed}-manager{number}"
            behind = server.set(query={"host": str(folder)})
            self._settings["TABLAO_DATABASE"] = behind.render_as_string(hide_password=False)
        return super()._start(name, module, *arguments)

    def start_host(self, name: str, *arguments: str) -> None:
        if name not in self.relays:
            port = self.port if self.manager_of(name) == "manager1" else self.second_port
            self.relays[name] = self._resources.enter_context(Relay(to_port=port))
        own, self.url = self.url, f"http://127.0.0.1:{self.relays[name].port}"
        slots = str(self.plan.shape.slots)
        super().start_host(name, "--slots", slots, *arguments)
        self.url = own

    def start_hosts(self, count: int) -> None:
        for number in range(1, count + 1):
            self.start_host(f"host{number}")
        wait_until(lambda: len(self.awake()) >= count, 180)

    def manager_of(self, host: str) -> str:
        """The manager that a host connects to."""
        is_second = self.plan.shape.managers > 1 and int(host.removeprefix("host")) % 2 == 0
        return "manager2" if is_second else "manager1"

    # --- clocks ----------------------------------------------------------------------------------

    def _give_clock(self, name: str) -> None:
        """The next process that is started has a clock that can be put."""
        if not self._clock(name).exists():
            self.put_clock(name, 0)
        self._settings |= {"PYTHONPATH": str(_HERE / "clock"), "CLOCK": str(self._clock(name))}

    def put_clock(self, name: str, by_s: int) -> None:
        """Put the clock of a process, so that it differs so much from the true one."""
        new = self._clock(name).with_suffix(".new")
        new.write_text(f"{by_s:+d}\n")
        new.replace(self._clock(name))

    def _clock(self, name: str) -> Path:
        return self.directory / f"{name}.clock"

    # --- another data directory ------------------------------------------------------------------

    @property
    def data_dir(self) -> Path:
        """Of the first manager."""
        return self._place or super().data_dir

    def move_into(self, place: Path, database_url: str) -> None:
        """The first manager has another data directory and database from its next start on."""
        self._place = place
        self.database_url = database_url
        self._settings["TABLAO_DATABASE"] = database_url
        self.admin = LocalAdmin(place)
        self.move_to(self.port)

    # --- processes by their names ----------------------------------------------------------------

    def process(self, name: str) -> "subprocess.Popen[bytes]":
        found = {"manager1": self.manager, "manager2": self.second, **self.hosts}[name]
        assert found is not None
        return found

    @property
    def names(self) -> list[str]:
        return [*MANAGERS[: self.plan.shape.managers], *self.hosts]

    def runs(self, name: str) -> bool:
        return self.process(name).poll() is None

    def launch(self, name: str) -> None:
        """Start it unless it runs; do not wait until it works."""
        if self.runs(name):
            return
        if name == "manager1":
            self.launch_manager()
        elif name == "manager2":
            self.launch_second()
        else:
            self.start_host(name)

    def kill(self, name: str) -> None:
        self.process(name).kill()
        self.process(name).wait()

    def admin_of(self, manager: str) -> LocalAdmin:
        return self.admin if manager == "manager1" else LocalAdmin(self._second_dir)

    def client(self, manager: str) -> httpx.Client:
        """Requests to one of the managers, in the name of its own user."""
        port = self.port if manager == "manager1" else self.second_port
        url = f"http://127.0.0.1:{port}"
        return httpx.Client(base_url=url, timeout=60.0, auth=self.admin_of(manager))

    def postgres_pids(self) -> list[int]:
        """The server's processes, the first one first."""
        home = Path(str(make_url(self.database_url).query["host"]))
        server = psutil.Process(int((home / "data" / "postmaster.pid").read_text().split()[0]))
        return [server.pid, *(child.pid for child in server.children(recursive=True))]

    def rows(self, statement: str) -> list[tuple[object, ...]]:
        """Rows of the farm's database, read beside the managers."""
        return in_thread(_rows(self.database_url, statement))


async def _rows(url: str, statement: str) -> list[tuple[object, ...]]:
    engine = create_async_engine(url)
    try:
        async with engine.connect() as connection:
            return [tuple(row) for row in await connection.execute(text(statement))]
    finally:
        await engine.dispose()


def send_signal(pids: list[int], number: signal.Signals) -> list[int]:
    """Return those processes that were there."""
    there = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            continue
        there.append(pid)
    return there


@contextmanager
def chaos_farm(directory: Path, plan: Plan) -> Iterator[ChaosFarm]:
    """The farm of a plan, with its database, below `directory`, which is created."""
    directory.mkdir(parents=True)
    with ExitStack() as stack:
        if plan.shape.store is Store.POSTGRESQL:
            server = stack.enter_context(postgres_server())
            if "host" not in make_url(server).query:
                raise RuntimeError("chaos kills PostgreSQL, so it needs one that it starts itself")
            url = create_database(server, f"seed{plan.seed}")
        else:
            url = f"sqlite+aiosqlite:///{directory / 'manager' / 'tablao.sqlite'}"
        yield stack.enter_context(ChaosFarm(directory, plan, url))
