"""Locks a data directory, so that only one process of a kind works with it."""

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
        raise DataDirInUse(f"The data directory {data_dir} cannot be locked: {error}.") from error
    try:
        yield
    finally:
        lock.release()
