"""Measures each run's highest use of memory, about once a second while the run lives.

It is the sum of the resident memory of all the run's processes; shared memory counts in each.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping
from typing import Protocol

import psutil

from worker_host.statistics import memory_of_tree
from workflows.domain.messages import RunKey

logger = logging.getLogger(__name__)

EVERY_S = 1.0
#: The shortest pause between two measurements, even if progress comes faster.
_PAUSE_S = 0.2
#: A peak that has grown by a smaller factor is reported only with the run's next progress.
_WORTH_TELLING = 1.02


class Runs(Protocol):
    def pids(self) -> Mapping[RunKey, int]: ...
    def named(self) -> Collection[RunKey]: ...


class MemoryPeaks:
    """The highest use of memory of each run.

    Args:
        grown: called on the event loop when a run's peak has grown; must not block.
    """

    def __init__(
        self, runs: Runs, grown: Callable[[RunKey], None], every_s: float = EVERY_S
    ) -> None:
        self._runs = runs
        self._grown = grown
        self._every_s = every_s
        self._peaks: dict[RunKey, int] = {}
        self._told: dict[RunKey, int] = {}
        self._hurry = asyncio.Event()

    def of(self, key: RunKey) -> int | None:
        """Return a run's peak in bytes; None if it has not been measured yet."""
        return self._peaks.get(key)

    def look_soon(self) -> None:
        """Measure soon, so that a short run is measured, too, after it has done something."""
        self._hurry.set()

    async def run(self) -> None:
        """Measure until canceled."""
        while True:
            self._hurry.clear()
            if pids := dict(self._runs.pids()):
                await self._look(pids)
            await asyncio.sleep(min(_PAUSE_S, self._every_s))
            try:
                async with asyncio.timeout(self._every_s):
                    await self._hurry.wait()
            except TimeoutError:
                self._forget()

    async def _look(self, pids: Mapping[RunKey, int]) -> None:
        try:
            used = await asyncio.to_thread(_used, pids)
        except (OSError, psutil.Error) as problem:
            logger.warning("the memory of runs is not known: %s", problem)
            return
        for key, memory in used.items():
            self._peaks[key] = peak = max(memory, self._peaks.get(key, 0))
            if peak > self._told.get(key, 0) * _WORTH_TELLING:
                self._told[key] = peak
                self._grown(key)

    def _forget(self) -> None:
        gone = self._peaks.keys() - set(self._runs.named())
        for key in gone:
            del self._peaks[key], self._told[key]


def _used(pids: Mapping[RunKey, int]) -> dict[RunKey, int]:
    used = {key: memory_of_tree(pid) for key, pid in pids.items()}
    return {key: memory for key, memory in used.items() if memory}
