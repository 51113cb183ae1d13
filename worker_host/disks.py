"""Whether folders can be written: they are tried. Standard library only.

Blender does not always say why a frame was not written: on a full disk it may even say that it has
saved a PNG file.
"""

import contextlib
import errno
import os
import shutil
from collections.abc import Iterable

from workflows.domain.faults import Cause, of_os_error

#: Errors that tell of a disk or a storage. Others, such as missing rights, are the job's.
_OF_DISKS = frozenset(
    {
        errno.ENOSPC,
        errno.EDQUOT,
        errno.EROFS,
        errno.EIO,
        errno.ESTALE,
        errno.ENOTCONN,
        errno.EHOSTDOWN,
    }
)
#: Written to try a folder, in bytes: a quota may be over although the disk has free space.
_TRIED = b"\0" * 65_536


def trouble_with(folders: Iterable[str], min_free: int) -> Cause | None:
    """Return why one of the folders cannot be written; None if all can.

    Args:
        min_free: a disk with less free space, in bytes, counts as full.
    """
    return next((cause for folder in folders if (cause := _trouble(folder, min_free))), None)


def cause_of(error: OSError, folder: str) -> Cause | None:
    """Return the cause of an error at a folder; None if it does not tell of a disk."""
    number = error.errno or 0
    if number not in _OF_DISKS:
        return None
    return of_os_error(errno.errorcode[number], f"{folder}: {os.strerror(number)}")


def _trouble(folder: str, min_free: int) -> Cause | None:
    folder = _existing(folder)
    try:
        _try(folder)
    except OSError as error:
        return cause_of(error, folder)
    return space_trouble(folder, min_free)


def space_trouble(folder: str, min_free: int) -> Cause | None:
    """Return why a folder has too little free space, without writing to it; None if it has."""
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return cause_of(error, folder)
    if free >= min_free:
        return None
    return of_os_error("ENOSPC", f"{folder}: {free / 1e6:.1f} MB are free")


def _existing(folder: str) -> str:
    """Return the folder, or else the nearest one above it that exists."""
    while not os.path.isdir(folder) and (above := os.path.dirname(folder)) != folder:
        folder = above
    return folder


def _try(folder: str) -> None:
    path = os.path.join(folder, f".tablao-try-{os.getpid()}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        left = _TRIED
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        # The disk may have gone meanwhile, and the error that counts is raised already.
        with contextlib.suppress(OSError):
            os.close(descriptor)
        with contextlib.suppress(OSError):
            os.unlink(path)
