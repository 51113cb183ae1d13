"""Carries out one round of checks at a time; callers that come meanwhile share it.

So callers cannot make the manager look at its disks many times at once.
"""

import asyncio
from collections.abc import Callable, Sequence

from activities.process.examining import Check, HangingCalls, examined
from workflows.domain.doctor import Finding


class Rounds:
    def __init__(self, calls: HangingCalls | None = None) -> None:
        self.calls = calls or HangingCalls()
        self._round: asyncio.Task[list[Finding]] | None = None

    async def findings(self, checks: Callable[[HangingCalls], Sequence[Check]]) -> list[Finding]:
        """Return the findings of a round.

        Args:
            checks: returns the checks of the round; it gets what makes calls that may hang.
        """
        if self._round is None:
            self._round = asyncio.create_task(examined(checks(self.calls)), name="doctor")
            self._round.add_done_callback(self._end)
        # A caller that goes away must not end the round of the others.
        return await asyncio.shield(self._round)

    def _end(self, _round: "asyncio.Task[list[Finding]]") -> None:
        self._round = None
