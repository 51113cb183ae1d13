"""Copies a pack to the shared storage: either all of it or nothing."""

import errno
import os
import secrets
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ..progress import Canceled, Progress
from .errors import FilesError
from .names import safe_name
from .pack import Pack, PackedFile
from .sources import blocks, stamp_of

_ATTEMPTS = 1000


def copy_pack(
    pack: Pack, location: Path, job_name: str, progress: Progress, is_canceled: Callable[[], bool]
) -> Path:
    """Copy a pack to a new folder of the storage, and return the .blend file in it.

    Raises:
        FilesError: a file cannot be read, or the storage cannot be written.
        Canceled: is_canceled() returned True.
    """
    if not location.is_dir():
        raise FilesError(
            f"The farm's shared storage {location} is not there on this machine: connect it"
        )
    total = sum(stamp_of(file.source).size for file in pack.files)
    # The dot hides the folder, so that it does not look like a job's.
    building = location / f".tablao-{secrets.token_hex(6)}.partial"
    try:
        _check_space(location, total)
        building.mkdir()
        _copy_all(pack.files, building, total, progress, is_canceled)
        if is_canceled():
            raise Canceled
        return _published(building, location, job_name) / pack.blendfile
    except OSError as error:
        raise FilesError(_refused(location, error)) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _copy_all(
    files: tuple[PackedFile, ...],
    building: Path,
    total: int,
    progress: Progress,
    is_canceled: Callable[[], bool],
) -> None:
    done = 0
    for file in files:
        target = building / file.target
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as copy:
            for block in blocks(file.source, is_canceled):
                copy.write(block)
                done += len(block)
                progress(f"Copying {file.source.name}", done, total)
        # Keep the times, because caches are also found by their age. Do not keep permissions,
        # because workers run as other users.
        status = file.source.stat()
        os.utime(target, ns=(status.st_atime_ns, status.st_mtime_ns))


def _published(building: Path, location: Path, job_name: str) -> Path:
    """Rename the finished copy to a name that people recognize, and return it."""
    now = datetime.now().astimezone()
    name = f"{now:%Y-%m-%d_%H%M%S}-{safe_name(job_name)}"
    for number in range(_ATTEMPTS):
        place = location / (f"{name}-{number + 1}" if number else name)
        try:
            # mkdir fails if the name exists; renaming alone would replace an empty folder.
            place.mkdir()
            place.rmdir()
            building.rename(place)
        except OSError as error:
            # Another submission took this name, perhaps between two of these calls.
            if error.errno not in (errno.EEXIST, errno.ENOTEMPTY):
                raise
        else:
            return place
    raise FilesError(f"Too many jobs are called {job_name} at this moment: submit again")


def _check_space(location: Path, total: int) -> None:
    free = shutil.disk_usage(location).free
    if free < total:
        raise FilesError(
            f"The shared storage {location} has {_gigabytes(free)} free, and this job's files are "
            f"{_gigabytes(total)}: make room there"
        )


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:.2f} GB"


def _refused(location: Path, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"You may not write to the farm's shared storage {location}: ask for permission"
    return f"The farm's shared storage {location} cannot be written: {error.strerror or error}"
