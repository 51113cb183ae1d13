"""Trying again: pauses that differ by chance, and a log of changes instead of attempts."""

import asyncio
import logging
import random
from typing import Any


class Pauses:
    """Between tries: each pause is twice as long as the one before, up to a limit.

    Chance takes off up to half of each, or all hosts of a farm would come back in step.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    async def pause(self) -> None:
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))

    def start_over(self) -> None:
        """A try has succeeded: the next pause is a first one."""
        self._next_s = self._first_s


class ChangeLog:
    """Logs a change of what is tried again and again, and not each attempt."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._said: tuple[str, dict[str, Any]] | None = None

    def fails(self, sentence: str, **fields: Any) -> None:
        """Log a warning, unless the last attempt failed in the same way."""
        self._say(logging.WARNING, sentence, fields)

    def works(self, sentence: str, **fields: Any) -> None:
        """Log that it works, unless it did at the last attempt."""
        self._say(logging.INFO, sentence, fields)

    def forget(self) -> None:
        """It works, and nothing is logged: a failure from now on is a change."""
        self._said = None

    def _say(self, level: int, sentence: str, fields: dict[str, Any]) -> None:
        if self._said != (sentence, fields):
            self._logger.log(level, sentence, extra=fields)
        self._said = (sentence, fields)
