"""A run table on a directory of the test's, with times that suit a test."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from tests.farm.ids import OWN_JOB, lease_of
from worker_host.run_spec import Command, RunSettings, RunSpec
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, RunKey, RunRef

Fetch = Callable[[RunRef], Awaitable[RunSpec]]


FAST = RunSettings(
    stop_grace_s=0.5,
    orphan_after_s=60.0,
    unattached_grace_s=60.0,
    host_check_s=0.1,
    tick_s=0.05,
    log_poll_s=0.02,
)


class Recorder:
    """Hooks that remember; `is_connected` and `stores` are the test's to set."""

    def __init__(self) -> None:
        self.is_connected = True
        self.may_store = asyncio.Event()
        self.may_store.set()
        self.logs: dict[RunKey, bytearray] = {}
        self.chunk_sizes: list[int] = []
        self.progress: list[Mapping[str, Any]] = []
        self.images: list[Path] = []
        self.ended = 0
        self.completed = 0
        self.faults: list[str] = []
        """The rules of faults of this machine that runs have met."""
        self.fetches: dict[RunKey, Fetch] = {}

    async def fetch(self, ref: RunRef) -> RunSpec:
        return await self.fetches[ref.key](ref)

    def connected(self) -> bool:
        return self.is_connected

    async def log_written(self, key: RunKey, offset: int, data: bytes) -> int:
        await self.may_store.wait()
        log = self.logs.setdefault(key, bytearray())
        self.chunk_sizes.append(len(data))
        log[offset : offset + len(data)] = data
        return len(log)

    def progressed(self, key: RunKey, progress: Mapping[str, Any]) -> None:
        self.progress.append(progress)

    def image_saved(self, key: RunKey, path: Path) -> None:
        self.images.append(path)

    def machine_failed(self, outcome: Outcome, commands: Sequence[Command]) -> None:
        self.faults.append(outcome.rule)

    def run_completed(self) -> None:
        self.completed += 1

    def run_ended(self) -> None:
        self.ended += 1


class Farmhouse:
    """Opens tables on one directory, says what to run, and cleans up after the test."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.hooks = Recorder()
        self.settings = FAST
        self._tables: list[RunTable] = []

    async def open(self, **settings: Any) -> RunTable:
        """A new host on the directory; keyword arguments replace settings."""
        table = RunTable(self.directory, self.hooks, replace(FAST, **settings))
        await table.open()
        self._tables.append(table)
        return table

    async def run(self, table: RunTable, ref: RunRef, fetch: Fetch) -> Outcome:
        """Run or attach, with these commands should they be fetched."""
        self.hooks.fetches[ref.key] = fetch
        return await table.run_or_attach(ref)

    async def crash(self, table: RunTable) -> None:
        """Leave as a killed host does: its shims know nothing of it."""
        self._tables.remove(table)
        await table.close(stop_runs=False)

    async def close(self) -> None:
        for table in self._tables:
            await table.close(stop_runs=True)

    def log(self, key: RunKey) -> str:
        return self.path(key, "log").read_text() if self.path(key, "log").exists() else ""

    def path(self, key: RunKey, name: str) -> Path:
        return self.directory / str(key) / name

    def shim(self, key: RunKey) -> dict[str, Any]:
        shim: dict[str, Any] = json.loads(self.path(key, "shim.json").read_bytes())
        return shim

    def write_shim(self, key: RunKey, shim: Mapping[str, Any]) -> None:
        self.path(key, "shim.json").write_text(json.dumps(shim))

    @classmethod
    def kill(cls, pid: int) -> None:
        """SIGKILL, and wait until it has worked."""
        process = psutil.Process(pid)
        process.kill()
        process.wait(10)

    @staticmethod
    def ref(
        index: int = 1,
        *,
        attempt: int = 1,
        run: int = 1,
        slot: int = 0,
        generation: int = 1,
        after: str = "",
    ) -> RunRef:
        lease = lease_of(generation)
        return RunRef(OWN_JOB, index, run, attempt, lease, slot, generation, after)

    @staticmethod
    def commands(*commands: tuple[str, Mapping[str, Any]], **spec: Any) -> Fetch:
        """Fetches these commands, by name and parameters."""
        answer = RunSpec(tuple(Command(name, given) for name, given in commands), **spec)

        async def fetch(_ref: RunRef) -> RunSpec:
            return answer

        return fetch

    @classmethod
    def shell(cls, script: str, **spec: Any) -> Fetch:
        """Fetches one command, a shell script."""
        return cls.commands(("exec", {"exe": "/bin/sh", "args": ["-c", script]}), **spec)

    @classmethod
    def python(cls, script: str) -> Fetch:
        """Fetches one command, a Python script."""
        return cls.commands(("exec", {"exe": sys.executable, "args": ["-S", "-c", script]}))

    @staticmethod
    async def eventually(condition: Callable[[], object], within_s: float = 20.0) -> None:
        """Until the condition holds; it is the test's failure if it does not in time."""
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - other processes set no event
                await asyncio.sleep(0.01)

    @staticmethod
    def is_alive(pid: int) -> bool:
        try:
            return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return False
