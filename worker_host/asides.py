"""Sets this host's worker aside when its machine has a fault, and looks when the fault is mended.

Any part of the host can set the worker aside, with a probe that tells whether the cause is gone.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from workflows.domain.asides import Aside, reason_for_all

logger = logging.getLogger(__name__)

#: The longest pause before a probe, in seconds, for a fault that comes again and again.
LONGEST_PAUSE_S = 600.0

IsMended = Callable[[], bool]


@dataclass(slots=True)
class _Entry:
    aside: Aside
    is_mended: IsMended
    not_before: float
    """No probe ends it earlier, by the monotonic clock."""
    probing: asyncio.Task[None] | None = None


class Asides:
    """The causes for which the worker is set aside.

    Args:
        every_s: the time between two probes, and the shortest time that a fault lasts.
        on_change: called when a cause has come, has changed or has gone; must not block.
    """

    def __init__(self, every_s: float, on_change: Callable[[], None]) -> None:
        self._every_s = every_s
        self._on_change = on_change
        self._entries: dict[str, _Entry] = {}
        self._pauses: dict[str, float] = {}
        """The next pause by cause: it grows when a fault comes back though it seemed mended."""

    def all(self) -> list[Aside]:
        return [entry.aside for entry in self._entries.values()]

    @property
    def reason(self) -> str:
        """Why the worker takes no task; empty if it takes some."""
        return reason_for_all(self.all())

    def set_aside(
        self, cause: str, reason: str, is_mended: IsMended, task_types: Sequence[str] = ()
    ) -> None:
        """Set the worker aside, or change what is known of a cause.

        Args:
            cause: a word, such as `disk-full`.
            reason: what is wrong, in a sentence.
            is_mended: returns whether the cause is gone. It is called in a thread, and may hang.
            task_types: the types that the worker shall not get; empty: it shall get no task.
        """
        aside = Aside(cause, reason, tuple(task_types))
        if (known := self._entries.get(cause)) is not None:
            known.is_mended = is_mended
            if known.aside == aside:
                return
            known.aside = aside
        else:
            pause = self._pauses.get(cause, self._every_s)
            self._pauses[cause] = min(2 * pause, LONGEST_PAUSE_S)
            self._entries[cause] = _Entry(aside, is_mended, time.monotonic() + pause)
        logger.warning("this worker is set aside: %s", reason)
        self._on_change()

    def forgive(self) -> None:
        """Take tasks again, because a person says that the machine is mended."""
        causes = list(self._entries)
        self._pauses.clear()
        for cause in causes:
            self.end(cause)

    def worked(self) -> None:
        """Note that a run has completed, so that the next fault lasts as short as the first."""
        self._pauses.clear()

    def end(self, cause: str) -> None:
        """Take a cause back, if the worker is set aside for it."""
        entry = self._entries.pop(cause, None)
        if entry is not None:
            if entry.probing is not None:
                entry.probing.cancel()
            logger.info("this worker takes tasks again that it did not get: %s is over", cause)
            self._on_change()

    async def run(self) -> None:
        """Probe until canceled."""
        try:
            while True:
                await asyncio.sleep(self._every_s)
                now = time.monotonic()
                for entry in self._entries.values():
                    is_free = entry.probing is None or entry.probing.done()
                    if is_free and now >= entry.not_before:
                        entry.probing = asyncio.create_task(self._probe(entry))
        finally:
            for entry in self._entries.values():
                if entry.probing is not None:
                    entry.probing.cancel()

    async def _probe(self, entry: _Entry) -> None:
        # A storage that hangs holds up its own probe only.
        cause = entry.aside.cause
        try:
            is_mended = await asyncio.to_thread(entry.is_mended)
        except Exception:
            logger.exception("the probe for %s failed", cause)
            return
        if is_mended and self._entries.get(cause) is entry:
            entry.probing = None
            self.end(cause)
