"""Reads the files that a job needs, and notices when one changes meanwhile."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..progress import Canceled
from .errors import FilesError

#: In bytes. After each block a cancel is noticed; a block takes some milliseconds.
BLOCK = 1024 * 1024


@dataclass(frozen=True)
class Stamp:
    """A file's size and time of change. If both stay, so does the content."""

    size: int
    mtime_ns: int


def stamp_of(path: Path) -> Stamp:
    """Return the file's stamp.

    Raises:
        FilesError: the file does not exist, or may not be read.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    return Stamp(status.st_size, status.st_mtime_ns)


def opened(path: Path) -> BinaryIO:
    """Open the file for reading.

    Raises:
        FilesError: the file does not exist, or may not be read.
    """
    try:
        return path.open("rb")
    except OSError as error:
        raise unreadable(path, error) from error


def blocks(path: Path, is_canceled: Callable[[], bool]) -> Iterator[bytes]:
    """Yield the file's content, in blocks of `BLOCK` bytes.

    Raises:
        FilesError: the file cannot be read, or changes meanwhile.
        Canceled: is_canceled() returned True.
    """
    with opened(path) as file:
        before = _stamp(file)
        while block := _read(file, path):
            if is_canceled():
                raise Canceled
            yield block
        check_unchanged(path, before, _stamp(file))
    check_unchanged(path, before, stamp_of(path))


def check_unchanged(path: Path, before: Stamp, now: Stamp) -> None:
    """Compare two stamps of a file.

    Raises:
        FilesError: the file changed.
    """
    if before != now:
        raise FilesError(
            f"{path} was changed while it was being sent: "
            "wait until it is written, and submit again"
        )


def unreadable(path: Path, error: OSError) -> FilesError:
    match error:
        case FileNotFoundError():
            return FilesError(f"{path} is not there: save it, or look where it went")
        case PermissionError():
            return FilesError(f"You may not read {path}: ask its owner for permission")
        case _:
            return FilesError(f"{path} cannot be read: {error.strerror or error}")


def _stamp(file: BinaryIO) -> Stamp:
    status = os.fstat(file.fileno())
    return Stamp(status.st_size, status.st_mtime_ns)


def _read(file: BinaryIO, path: Path) -> bytes:
    try:
        return file.read(BLOCK)
    except OSError as error:
        raise unreadable(path, error) from error
