"""The folders that a command writes, and whether they can be written. Standard library only.

Blender does not always say why a frame was not written: on a full disk it may even say that it has
saved a PNG file. So the folder is tried.
"""

import contextlib
import errno
import os
from collections.abc import Iterable, Mapping
from typing import Any

from worker_host.commands.parameters import CommandFailed, texts, words
from workflows.domain.blender_arguments import output_of
from workflows.domain.faults import STORAGE_MISSING, Cause, of_os_error
from workflows.domain.storage_marker import LONGEST, NAME, SharedStorage, id_in

#: The parameters of commands that name a file or a folder to write.
_WRITTEN = {
    "frames-to-video": "outputFile",
    "make-directory": "path",
    "move-directory": "dest",
    "copy-file": "dest",
}
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


def written_by(name: str, parameters: Mapping[str, Any]) -> list[str]:
    """Return the folders that a command writes, as far as its parameters name them in full."""
    path = (
        _output(parameters) if name == "blender-render" else parameters.get(_WRITTEN.get(name, ""))
    )
    if not isinstance(path, str) or not os.path.isabs(path) or path.startswith("//"):
        return []
    return [os.path.dirname(path)]


def _output(parameters: Mapping[str, Any]) -> str:
    try:
        return output_of([*words(parameters, "exeArgs"), *texts(parameters, "args")])
    except CommandFailed:
        return ""


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


def storage_trouble(storage: SharedStorage, written: Iterable[str]) -> Cause | None:
    """Return that the shared storage is not there, if one of the folders is in it."""
    if not storage.id or not any(_is_below(folder, storage.path) for folder in written):
        return None
    if sees(storage):
        return None
    return Cause(STORAGE_MISSING, f"{storage.path} has no marker {NAME}")


def sees(storage: SharedStorage) -> bool:
    """Return whether the shared storage is there, by its marker; True if it is not known."""
    if not storage.id:
        return True
    path = os.path.join(storage.path, NAME)
    try:
        if not os.path.isfile(path):  # opening a pipe would wait for ever
            return False
        with open(path, "rb") as marker:
            return id_in(marker.read(LONGEST)) == storage.id
    except OSError:
        return False


def _is_below(folder: str, storage: str) -> bool:
    try:
        return os.path.commonpath([folder, storage]) == os.path.normpath(storage)
    except ValueError:  # on another drive
        return False


def space_trouble(folder: str, min_free: int) -> Cause | None:
    """Return why a folder has too little free space, without writing to it; None if it has."""
    try:
        disk = os.statvfs(folder)
    except OSError as error:
        return cause_of(error, folder)
    free = disk.f_bavail * disk.f_frsize
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
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
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
