"""How much memory each run took at most, looked at about once a second while it lives.

It is the resident memory of all the run's processes, added up: what they share counts in each.
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
#: However fast progress comes.
_PAUSE_S = 0.2
#: A peak that has grown by less is not told of by itself, only with the run's next progress.
_WORTH_TELLING = 1.02


class Runs(Protocol):
    def pids(self) -> Mapping[RunKey, int]: ...
    def named(self) -> Collection[RunKey]: ...


class MemoryPeaks:
    """
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
        """In bytes; None while it was not looked at."""
        return self._peaks.get(key)

    def look_soon(self) -> None:
        """So that also a run that soon ends is looked at once it has done something."""
        self._hurry.set()

    async def run(self) -> None:
        """Until canceled."""
        while True:
            self._hurry.clear()
            if pids := dict(self._runs.pids()):
                await self._look(pids)
            await asyncio.sleep(min(_PAUSE_S, self._every_s))
            try:
                await asyncio.wait_for(self._hurry.wait(), self._every_s)
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
