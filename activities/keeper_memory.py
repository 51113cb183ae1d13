"""Wakes the keeper, and remembers unresponsive workers; it outlives a keeper's epoch."""

import asyncio
from collections.abc import Callable
from time import monotonic

from workflows.domain.keeping import RestingWorkers


class Wakeup:
    """Wakes the keeper, and remembers workers that did not respond.

    Args:
        clock: in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._event = asyncio.Event()
        self._resting = RestingWorkers()

    def wake(self) -> None:
        self._event.set()

    def unresponsive(self, worker_id: str) -> None:
        self._resting.add(worker_id, self._clock())

    def resting(self, cooldown_s: float) -> frozenset[str]:
        """Return the workers that must not be lent now."""
        return self._resting.at(self._clock(), cooldown_s)

    @property
    def has_resting(self) -> bool:
        return bool(self._resting)

    async def wait(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()
