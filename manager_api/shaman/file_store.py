"""The stored files on disk. A file is stored whole or not at all. All functions here block."""

import hashlib
import logging
import os
import secrets
import threading
from pathlib import Path
from typing import BinaryIO

from manager_api.shaman.errors import UploadMismatch
from manager_api.shaman.guard import Guard
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import Blob

logger = logging.getLogger(__name__)

#: Another manager's garbage collection may remove a folder just before it is used here.
_ATTEMPTS = 5


class FileStore:
    def __init__(self, layout: Layout, guard: Guard) -> None:
        self.layout = layout
        self.guard = guard

    def is_stored(self, blob: Blob) -> bool:
        """Return whether the file is stored. One of another size, left by a power cut, is not."""
        try:
            return self.layout.blob(blob).stat().st_size == blob.size
        except FileNotFoundError:
            return False

    def touch(self, blob: Blob) -> bool:
        """Return whether the file is stored. If it is, garbage collection treats it as new."""
        with self.guard.lock:
            if not self.is_stored(blob):
                return False
            try:
                os.utime(self.layout.blob(blob))
            except FileNotFoundError:
                return False
            except PermissionError as error:
                # The file is another user's, as after a move from another farm. It is readable.
                logger.warning(
                    "stored file cannot be touched", extra={"sha": blob.sha, "reason": str(error)}
                )
        return True


class Upload:
    """A file while it is received. Threads may take turns; each step waits for the step before."""

    def __init__(self, store: FileStore, blob: Blob) -> None:
        self._store = store
        self._blob = blob
        self._path = store.layout.upload(blob, secrets.token_hex(4))
        self._file: BinaryIO | None = None
        self._sha = hashlib.sha256()
        self._received = 0
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        return self._path.name

    def add(self, block: bytes) -> None:
        """Raises:
        UploadMismatch: the file is larger than announced.
        """
        with self._lock:
            self._write(block)

    def finish(self, block: bytes) -> bool:
        """Take the last bytes and store the file; return whether it was not stored yet.

        Raises:
            UploadMismatch: it is not the announced file. The caller still has to discard it.
        """
        with self._lock:
            self._write(block)
            self._check()
            assert self._file is not None
            self._file.flush()
            # Without this, a power cut could leave the name without the content.
            os.fsync(self._file.fileno())
            self._file.close()
            return self._put_in_place()

    def discard(self) -> None:
        """Delete the partly received file."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._path.unlink(missing_ok=True)

    def _write(self, block: bytes) -> None:
        self._received += len(block)
        if self._received > self._blob.size:
            raise UploadMismatch(f"more than the announced {self._blob.size} bytes were received")
        if self._file is None:
            self._file = _opened(self._path)
        self._file.write(block)
        self._sha.update(block)

    def _check(self) -> None:
        if self._received != self._blob.size:
            raise UploadMismatch(
                f"{self._received} bytes were received, {self._blob.size} were announced"
            )
        if self._sha.hexdigest() != self._blob.sha:
            raise UploadMismatch("the checksum of what was received is not the announced one")

    def _put_in_place(self) -> bool:
        if self._store.touch(self._blob):
            return False
        place = self._store.layout.blob(self._blob)
        for attempts_left in reversed(range(_ATTEMPTS)):
            try:
                with self._store.guard.lock:
                    place.parent.mkdir(parents=True, exist_ok=True)
                    self._path.replace(place)
                break
            except FileNotFoundError:
                if not attempts_left:
                    raise
        # The age of a file counts from its arrival, not from its first byte.
        os.utime(place)
        return True


def _opened(path: Path) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    # The process's umask decides who may read it: render machines may run as other users.
    return path.open("xb")
