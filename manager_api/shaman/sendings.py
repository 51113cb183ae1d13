"""Which files are being sent now, so a client does not send a file that another is sending."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

from workflows.domain.shaman import Blob


@dataclass
class _OfOneFile:
    clients: int = 0
    has_arrived: bool = False
    is_over: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the file has arrived, or when no client sends it any more."""


class Sendings:
    def __init__(self) -> None:
        self._of: dict[Blob, _OfOneFile] = {}

    def is_under_way(self, blob: Blob) -> bool:
        """Return whether a client is sending the file. Any thread may call this."""
        return blob in self._of

    def has_arrived(self, blob: Blob) -> bool:
        """Return whether the file has arrived. Valid only while a client sends it."""
        return self._of[blob].has_arrived

    def arrived(self, blob: Blob) -> None:
        """Report that the file has arrived. Its sender calls this."""
        self._of[blob].has_arrived = True
        self._of[blob].is_over.set()

    @contextlib.contextmanager
    def begun(self, blob: Blob) -> Iterator[None]:
        of_file = self._of.setdefault(blob, _OfOneFile())
        of_file.clients += 1
        try:
            yield
        finally:
            of_file.clients -= 1
            if not of_file.clients:
                del self._of[blob]
                of_file.is_over.set()

    async def until_over(self, blob: Blob, timeout_s: float) -> None:
        """Wait until the file has arrived, its senders have given up, or `timeout_s` has passed."""
        if of_file := self._of.get(blob):
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timeout_s):
                    await of_file.is_over.wait()
