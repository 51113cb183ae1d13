"""The most memory that a run took, whatever it takes now."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Collection, Mapping

import pytest

from tests.farm.ids import JOB
from worker_host.memory_peaks import MemoryPeaks
from workflows.domain.messages import RunKey

KEY = RunKey(JOB, 1, 1, 1)
MB = 2**20
#: Takes and gives back 96 MB in a child process, one step for each line that it is told.
RUN = """
import subprocess, sys
step = '''
import sys
print("small", flush=True); sys.stdin.readline()
x = b"x" * (96 * 2**20); print("large", flush=True); sys.stdin.readline()
del x; print("small", flush=True); sys.stdin.readline()
'''
subprocess.run([sys.executable, "-S", "-c", step])
"""


class OneRun:
    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-S", "-c", RUN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.is_known = True
        self.looks = 0

    def pids(self) -> Mapping[RunKey, int]:
        self.looks += 1
        return {KEY: self.process.pid} if self.process.poll() is None else {}

    def named(self) -> Collection[RunKey]:
        return [KEY] if self.is_known else []

    async def said(self) -> str:
        assert self.process.stdout
        return (await asyncio.to_thread(self.process.stdout.readline)).strip()

    def go_on(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 -- seen from outside only
            await asyncio.sleep(0.01)


@pytest.fixture
async def run() -> AsyncIterator[OneRun]:
    run = OneRun()
    yield run
    run.process.kill()
    run.process.communicate()


async def test_a_peak_stays_when_the_memory_was_given_back(run: OneRun) -> None:
    grown: list[RunKey] = []
    peaks = MemoryPeaks(run, grown.append, every_s=0.02)
    looking = asyncio.create_task(peaks.run())

    assert await run.said() == "small"
    await until(lambda: (peaks.of(KEY) or 0) > 0)
    before = peaks.of(KEY) or 0
    run.go_on()
    assert await run.said() == "large"
    await until(lambda: (peaks.of(KEY) or 0) > before + 90 * MB)
    run.go_on()
    assert await run.said() == "small"
    looks, told = run.looks, len(grown)
    await until(lambda: run.looks > looks + 2)

    assert (peaks.of(KEY) or 0) > before + 90 * MB
    assert len(grown) == told
    assert set(grown) == {KEY}
    looking.cancel()


async def test_a_run_that_shows_progress_is_looked_at_soon_each_time(run: OneRun) -> None:
    peaks = MemoryPeaks(run, lambda key: None, every_s=3600)
    run.is_known = False
    looking = asyncio.create_task(peaks.run())
    assert await run.said() == "small"
    await until(lambda: run.looks > 0)

    peaks.look_soon()
    await until(lambda: (peaks.of(KEY) or 0) > 0)
    before = peaks.of(KEY) or 0
    run.go_on()
    assert await run.said() == "large"
    peaks.look_soon()

    await until(lambda: (peaks.of(KEY) or 0) > before + 90 * MB)
    looking.cancel()


async def test_what_is_known_no_more_is_forgotten(run: OneRun) -> None:
    peaks = MemoryPeaks(run, lambda key: None, every_s=0.02)
    looking = asyncio.create_task(peaks.run())
    await until(lambda: peaks.of(KEY) is not None)

    run.process.kill()
    run.is_known = False

    await until(lambda: peaks.of(KEY) is None)
    looking.cancel()


async def test_it_ends_although_it_is_to_measure_at_the_same_moment() -> None:
    class NoRuns:
        def pids(self) -> Mapping[RunKey, int]:
            return {}

        def named(self) -> Collection[RunKey]:
            return []

    peaks = MemoryPeaks(NoRuns(), lambda _: None, every_s=60)
    measuring = asyncio.create_task(peaks.run())
    await asyncio.sleep(0.6)  # it waits now

    peaks.look_soon()
    await asyncio.sleep(0)  # the one who waits is told, and not on yet
    measuring.cancel()

    done, _ = await asyncio.wait([measuring], timeout=10)
    assert done
