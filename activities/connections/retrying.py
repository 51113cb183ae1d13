"""For repeated attempts: pauses of random length, and a log of changes instead of attempts."""

import asyncio
import logging
import random
from typing import Any


class Pauses:
    """Pauses between attempts; each is twice as long as the last one, up to a limit.

    Each pause is shortened at random by up to a half. Otherwise all hosts of a farm would try again
    at the same moment.
    """

    def __init__(self, first_s: float, longest_s: float) -> None:
        self._first_s = first_s
        self._longest_s = longest_s
        self._next_s = first_s

    async def pause(self) -> None:
        pause_s, self._next_s = self._next_s, min(2 * self._next_s, self._longest_s)
        await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))

    def start_over(self) -> None:
        """Begin with the shortest pause again, because an attempt has succeeded."""
        self._next_s = self._first_s


class ChangeLog:
    """Logs only changes in the result of repeated attempts, not each attempt."""

    def __init__(self, logger: logging.Logger) -> None:
        self._logger = logger
        self._said: tuple[str, dict[str, Any]] | None = None

    def fails(self, sentence: str, **fields: Any) -> None:
        """Log a warning, unless the last attempt failed in the same way."""
        self._say(logging.WARNING, sentence, fields)

    def works(self, sentence: str, **fields: Any) -> None:
        """Log that it works, unless the last attempt succeeded, too."""
        self._say(logging.INFO, sentence, fields)

    def forget(self) -> None:
        """Note without logging that it works, so that the next failure is logged."""
        self._said = None

    def _say(self, level: int, sentence: str, fields: dict[str, Any]) -> None:
        if self._said != (sentence, fields):
            self._logger.log(level, sentence, extra=fields)
        self._said = (sentence, fields)
