"""How long the submission of a job of many frames takes, and what it costs in memory."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psutil

from tests.bench.costs import of_frames
from tests.bench.dispatch.processes import BenchFailed, CpuClock
from tests.bench.idle.farm import ManyHosts, many_hosts
from tests.bench.rounds import Figures

HOSTS = 4
#: Seconds to the answer that are wanted, by the number of frames.
AIMS: Mapping[int, float] = {1_000: 0.5, 10_000: 1.5, 100_000: 15.0}
_WITHIN_S = 600.0
_LOOK_EVERY_S = 0.05
#: After a job, until memory is read that nothing uses any more.
_SETTLE_S = 10.0
_MIB = 2**20
_SHOWN = {"manager": "manager", "temporal": "Temporal"}


class Memory:
    """What processes have of it, in MiB, and the most that they had while it was watched."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._processes = {name: psutil.Process(pid) for name, pid in pids.items()}
        self.peak = self.now()

    def now(self) -> dict[str, float]:
        return {name: each.memory_info().rss / _MIB for name, each in self._processes.items()}

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        watching = asyncio.create_task(self._watch())
        try:
            yield
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self) -> None:
        while True:
            now = self.now()
            self.peak = {name: max(most, now[name]) for name, most in self.peak.items()}
            await asyncio.sleep(_LOOK_EVERY_S)


async def measure(
    frames: int, chunk: int, rounds: int, figures: Figures, folder: Path, say: Callable[[str], None]
) -> None:
    """Submit jobs of so many frames one after the other, on a farm of their own."""
    of = f"{frames:,} frames" if chunk == 1 else f"{frames:,} frames by {chunk}"
    async with many_hosts(HOSTS, folder) as farm:
        for _ in range(rounds):
            taken = await _submit(farm, frames, chunk, of, figures)
            say(f"{of}: answered after {taken[0]:.2f} s, first command after {taken[1]:.2f} s")


async def _submit(
    farm: ManyHosts, frames: int, chunk: int, of: str, figures: Figures
) -> tuple[float, float]:
    memory = Memory(farm.pids)
    before = memory.now()
    job = of_frames(frames, chunk)
    # The add-on lets the manager check a job before it delivers the job's files.
    began = time.monotonic()
    await _post(farm, "/api/v3/jobs/check", job)
    figures.add(of, "checked, s", time.monotonic() - began)
    clock = CpuClock(farm.pids)
    async with memory.watched():
        began = time.monotonic()
        answer = await _post(farm, "/api/v3/jobs", job)
        answered_s = time.monotonic() - began
        answered_cpu_s = clock.seconds()["manager"]
        job_id = str(answer["id"])
        (first, *_) = await farm.reported.wait_for([job_id], 1, _WITHIN_S)
        begun_s = first.began - began
        begun_cpu_s = clock.seconds()
        await _cancel(farm, job_id)
    await asyncio.sleep(_SETTLE_S)
    figures.add(of, "answer, s", answered_s, AIMS.get(frames) if chunk == 1 else None)
    figures.add(of, "answer, manager's CPU s", answered_cpu_s)
    figures.add(of, "first command, s", begun_s)
    for name, shown in _SHOWN.items():
        figures.add(of, f"first command, {shown}'s CPU s", begun_cpu_s[name])
    after = memory.now()
    for name, shown in _SHOWN.items():
        figures.add(of, f"{shown} before, MiB", before[name])
        figures.add(of, f"{shown} at the peak, MiB", memory.peak[name])
        figures.add(of, f"{shown} after, MiB", after[name])
    return answered_s, begun_s


async def _cancel(farm: ManyHosts, job_id: str) -> None:
    asked = {"status": "cancel-requested", "reason": "the benchmark has seen enough"}
    answer = await farm.http.post(f"/api/v3/jobs/{job_id}/setstatus", json=asked)
    answer.raise_for_status()
    async with asyncio.timeout(_WITHIN_S):
        while True:
            if (await farm.http.get(f"/api/v3/jobs/{job_id}")).json()["status"] == "canceled":
                return
            await asyncio.sleep(_LOOK_EVERY_S)


async def _post(farm: ManyHosts, path: str, job: Mapping[str, Any]) -> dict[str, Any]:
    answer = await farm.http.post(path, json=job)
    if not answer.is_success:
        raise BenchFailed(f"the manager refused a job ({answer.status_code}): {answer.text}")
    return dict(answer.json()) if answer.content else {}
