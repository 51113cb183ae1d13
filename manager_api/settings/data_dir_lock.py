"""Locks a data directory, so that only one process of a kind works with it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path


class User(StrEnum):
    """A process that locks its data directory, as the user calls it."""

    MANAGER = "manager"
    FARM = "`tablao up` or `tablao demo`"
    """It keeps a manager and workers running. The manager has a lock of its own."""


class DataDirInUse(Exception):
    """Another process uses the data directory. The message is a sentence for the user."""


@contextmanager
def data_dir_locked(data_dir: Path, user: User) -> Iterator[None]:
    """Hold the lock of this user; create the data directory if it is missing.

    The system releases the lock when its process ends, in whatever way.

    Raises:
        DataDirInUse: another process holds the lock, or the folder cannot be locked.
    """
    # Imported here, because the import would delay every command that can start a process.
    from filelock import FileLock, Timeout

    lock = FileLock(data_dir / f"{user.name.lower()}.lock", blocking=False, mode=0o600)
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DataDirInUse(
            f"Another {user} works with the data directory {data_dir}. "
            "Stop it first, or choose another folder with --data-dir."
        ) from None
    except OSError as error:
        raise DataDirInUse(_why_not(data_dir, error)) from error
    try:
        yield
    finally:
        lock.release()


def _why_not(data_dir: Path, error: OSError) -> str:
    if error.errno == errno.EROFS:
        return (
            f"The data directory {data_dir} is on a disk that can only be read. Choose another "
            "folder with --data-dir."
        )
    if isinstance(error, PermissionError):
        return (
            f"This user may not write into the data directory {data_dir}{_owner(data_dir)}. Run "
            "Tablao as the user that it belongs to, or choose another folder with --data-dir."
        )
    return f"The data directory {data_dir} cannot be locked: {error}."


def _owner(data_dir: Path) -> str:
    """Return whose folder it is, as a part of a sentence; empty if that is not known."""
    try:
        return f", which belongs to {data_dir.owner()}"
    except (OSError, KeyError, NotImplementedError):
        return ""
