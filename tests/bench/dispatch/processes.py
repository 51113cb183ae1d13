"""Child processes of the benchmark: what they report, what they cost, their end."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil
from uvicorn.loops.auto import auto_loop_factory

from tests.bench.dispatch.records import Ran

ROOT = Path(__file__).parents[3]


class BenchFailed(Exception):
    """There is no figure; the message says why."""


def run(main: Coroutine[Any, Any, None]) -> None:
    """On the fastest loop there is: a hundred hosts share what would be a hundred machines."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(main)


class Reported:
    """The tasks that the simulated hosts of a child process said they ran."""

    def __init__(self) -> None:
        self._records: list[Ran] = []
        self._came = asyncio.Event()
        self._is_over = False

    async def read(self, lines: asyncio.StreamReader) -> None:
        async for line in lines:
            if line.startswith(b"{"):
                self._records.append(Ran.parse(line.decode()))
                self._came.set()
            else:
                # Temporal's library writes warnings to the standard output.
                sys.stderr.write(line.decode(errors="replace"))
        self._is_over = True
        self._came.set()

    def of(self, jobs: Collection[str]) -> list[Ran]:
        return [record for record in self._records if record.job in jobs]

    async def wait_for(self, jobs: Collection[str], count: int, timeout_s: float) -> list[Ran]:
        """
        Raises:
            BenchFailed: there were not so many in time, or the process that would tell ended.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while len(found := self.of(jobs)) < count:
                    if self._is_over:
                        raise BenchFailed("the simulated hosts ended; see their log")
                    self._came.clear()
                    await self._came.wait()
        except TimeoutError:
            ran = len(self.of(jobs))
            raise BenchFailed(f"{ran} of {count} tasks ran in {timeout_s:g} s") from None
        return found


class CpuClock:
    """CPU seconds of named processes since it was made."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self._at_start = {name: _cpu_s(process) for name, process in self._processes.items()}

    def seconds(self) -> dict[str, float]:
        now = {name: _cpu_s(process) for name, process in self._processes.items()}
        return {name: now[name] - self._at_start[name] for name in now}


def resident_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """What each named process has in memory now."""
    return {name: psutil.Process(pid).memory_info().rss / 1_000_000 for name, pid in pids.items()}


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


@asynccontextmanager
async def python(
    arguments: Sequence[str], log: Path, *, stop_s: float = 20.0
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python of this environment, its standard output to be read, ended with the context."""
    with log.open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
            cwd=ROOT,
            # A developer's own farm is not the one to be measured.
            env={k: v for k, v in os.environ.items() if not k.startswith("TABLAO_")},
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        try:
            await asyncio.wait_for(process.wait(), stop_s)
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def reporting(
    arguments: Sequence[str], log: Path, reported: Reported | None = None
) -> AsyncIterator[tuple[Reported, asyncio.subprocess.Process]]:
    """A process of simulated hosts, and what it reports, beside what `reported` has already."""
    async with python(arguments, log) as process:
        assert process.stdout is not None
        reported = reported or Reported()
        reading = asyncio.create_task(reported.read(process.stdout))
        try:
            yield reported, process
        finally:
            reading.cancel()
