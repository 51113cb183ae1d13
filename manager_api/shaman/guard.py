"""What a manager's uploads, checkouts and garbage collection know of each other.

Several managers on one storage have one each. What must hold among them rests on the disk alone:
blobs and checkouts appear by renaming, and what garbage collection takes it looks at once more.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from workflows.domain.shaman import Blob


class Guard:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Held for moments: to touch a blob, or to look at it and take it away."""
        self._needed: Counter[Blob] = Counter()
        self._unfinished: set[str] = set()

    @contextmanager
    def needing(self, blobs: Collection[Blob]) -> Iterator[None]:
        """These stay, whatever their age, until this is over."""
        with self.lock:
            self._needed.update(blobs)
        try:
            yield
        finally:
            with self.lock:
                self._needed.subtract(blobs)
                for blob in blobs:
                    if self._needed[blob] <= 0:
                        del self._needed[blob]

    def is_needed(self, blob: Blob) -> bool:
        """To be asked by whoever holds the lock."""
        return blob in self._needed

    @contextmanager
    def unfinished(self, name: str) -> Iterator[None]:
        """A file or folder of this name is being worked on, so it is nobody's garbage."""
        self._unfinished.add(name)
        try:
            yield
        finally:
            self._unfinished.discard(name)

    def is_unfinished(self, name: str) -> bool:
        return name in self._unfinished
