"""What the uploads, checkouts and garbage collection of one manager know of each other.

Each manager on a storage has a guard of its own. Between managers, safety rests on the disk: blobs
and checkouts appear by renaming, and garbage collection checks each file twice.
"""

import threading
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from workflows.domain.shaman import Blob


class Guard:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        """Held briefly: while a blob is touched, or checked and moved away."""
        self._needed: Counter[Blob] = Counter()
        self._unfinished: set[str] = set()

    @contextmanager
    def needing(self, blobs: Collection[Blob]) -> Iterator[None]:
        """Protect these blobs from garbage collection until the block ends."""
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
        """Return whether the blob is protected. The caller holds the lock."""
        return blob in self._needed

    @contextmanager
    def unfinished(self, name: str) -> Iterator[None]:
        """A file or folder of this name is in use, so it is not garbage."""
        self._unfinished.add(name)
        try:
            yield
        finally:
            self._unfinished.discard(name)

    def is_unfinished(self, name: str) -> bool:
        return name in self._unfinished
