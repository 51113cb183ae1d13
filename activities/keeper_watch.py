"""Starts the keeper's workflow again after it was ended, as by a button in Temporal's Web UI."""

import asyncio
import logging
from typing import Protocol

from activities.keeping import TemporalAway

logger = logging.getLogger(__name__)


class KeeperStart(Protocol):
    async def start_keeper(self) -> bool:
        """Start the keeper's workflow; return False if it is open already.

        Raises:
            TemporalAway: Temporal does not answer.
        """
        ...


class KeeperWatch:
    """Looks every `every_s` seconds whether the keeper's workflow is open (protocol rule 28).

    Each manager has one, because Temporal starts a closed workflow for no one.
    """

    def __init__(self, temporal: KeeperStart, every_s: float) -> None:
        self._temporal = temporal
        self._every_s = every_s

    async def run(self) -> None:
        """Look until canceled."""
        while True:
            await asyncio.sleep(self._every_s)
            await self.look()

    async def look(self) -> None:
        try:
            if await self._temporal.start_keeper():
                logger.warning("the keeper's workflow had ended, and was started again")
        except TemporalAway as away:
            logger.info("Temporal is away, the keeper's workflow was not looked at: %s", away)
