"""What a keeper remembers between two passes; losing it only makes it tell things once more."""

import asyncio
from collections.abc import Hashable
from time import monotonic


class Wakeup:
    """Wakes the keeper; remembers whom it should not lend for a moment."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._cooling: dict[str, float] = {}

    def wake(self) -> None:
        self._event.set()

    def unresponsive(self, worker_id: str) -> None:
        self._cooling[worker_id] = monotonic()

    def is_cooling(self, worker_id: str, cooldown_s: float) -> bool:
        since = self._cooling.get(worker_id)
        if since is None:
            return False
        if monotonic() - since < cooldown_s:
            return True
        del self._cooling[worker_id]
        return False

    async def wait(self, at_most_s: float) -> None:
        try:
            async with asyncio.timeout(at_most_s):
                await self._event.wait()
        except TimeoutError:
            pass
        self._event.clear()

    @property
    def has_cooling(self) -> bool:
        return bool(self._cooling)


class Told:
    """What was told when, so that the same is not told again on every pass."""

    def __init__(self, again_after_s: float) -> None:
        self._again_after_s = again_after_s
        self._at: dict[Hashable, float] = {}

    def is_due(self, *key: Hashable) -> bool:
        """True once per key and period; asking counts as telling."""
        now = monotonic()
        if now - self._at.get(key, float("-inf")) < self._again_after_s:
            return False
        self._at[key] = now
        return True

    def forget_old(self) -> None:
        now = monotonic()
        self._at = {k: at for k, at in self._at.items() if now - at < self._again_after_s}
