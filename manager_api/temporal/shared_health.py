"""Whether Temporal is well: asked once for all hosts that want to know it at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable

#: For how long an answer counts, in seconds.
KEPT_S = 1.0


class SharedHealth:
    """Only that Temporal is well is kept. Otherwise each question waits for an answer of its own.

    Args:
        ask: asks Temporal.
        clock: in seconds of any origin.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[bool]], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._well_until = float("-inf")
        self._asking: asyncio.Task[bool] | None = None

    async def is_well(self) -> bool:
        """Return whether Temporal is well, as of `KEPT_S` ago at most.

        Raises:
            Exception: that of `ask`.
        """
        if self._clock() < self._well_until:
            return True
        if self._asking is None:
            self._asking = asyncio.create_task(self._answer(), name="health of Temporal")
        # A host that leaves must not end the question of the others.
        return await asyncio.shield(self._asking)

    async def _answer(self) -> bool:
        try:
            asked_at = self._clock()
            if is_well := await self._ask():
                self._well_until = asked_at + KEPT_S
            return is_well
        finally:
            self._asking = None
