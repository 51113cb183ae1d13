"""Reads a file while it is sent: reports progress, stops when canceled, notices a change."""

import os
from collections.abc import Callable
from pathlib import Path

from ..progress import Canceled
from .sources import BLOCK, Stamp, check_unchanged, opened, stamp_of


class Sending:
    """A file that a request reads as its body."""

    def __init__(
        self,
        path: Path,
        stamp: Stamp,
        is_canceled: Callable[[], bool],
        on_block: Callable[[int], None],
    ) -> None:
        """
        Args:
            stamp: the file's stamp when its checksum was computed.
            on_block: called with the number of bytes read since the last call.
        """
        self._path = path
        self._stamp = stamp
        self._is_canceled = is_canceled
        self._on_block = on_block
        self._file = opened(path)
        self._unreported = 0

    def __enter__(self) -> "Sending":
        check_unchanged(self._path, self._stamp, stamp_of(self._path))
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes.

        Raises:
            FilesError: the file was changed.
            Canceled: is_canceled() returned True.
        """
        block = self._file.read(size)
        self._unreported += len(block)
        # Connections read only some kilobytes at a time; report less often.
        if self._unreported >= BLOCK or not block:
            self._report()
        return block

    def tell(self) -> int:
        return self._file.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def _report(self) -> None:
        if self._is_canceled():
            raise Canceled
        check_unchanged(self._path, self._stamp, stamp_of(self._path))
        self._on_block(self._unreported)
        self._unreported = 0
