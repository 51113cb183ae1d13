"""Copies a file on the shared storage beside itself, so that the artist can go on working.

The copy is beside the file, so that relative paths stay valid. Its name ends in `.flamenco.blend`;
job types remove this ending when they name a preview video. A copy never changes, so that each job
renders exactly what was submitted: the same content is not copied again, and other content gets a
copy with another number. Point caches, which Blender finds by the file's name, are copied with the
file.
"""

import contextlib
import filecmp
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from ..progress import Canceled, Progress
from .errors import FilesError
from .sources import blocks, stamp_of

MARK = ".flamenco"
_MOST_COPIES = 9999


def copy_beside(blendfile: Path, progress: Progress, is_canceled: Callable[[], bool]) -> Path:
    """Copy the file, and return the copy. If the file is such a copy already, return the file.

    Raises:
        FilesError: the file cannot be read, or its folder cannot be written.
        Canceled: is_canceled() returned True.
    """
    if blendfile.stem.endswith(MARK):
        return blendfile
    try:
        return _copy_beside(blendfile, progress, is_canceled)
    except PermissionError as error:
        raise FilesError(
            f"You may not write to {blendfile.parent}, where the job's copy of "
            f"{blendfile.name} goes: ask for permission, or save the file elsewhere"
        ) from error
    except OSError as error:
        raise FilesError(
            f"{blendfile.name} cannot be copied beside itself: {error.strerror or error}"
        ) from error


def _copy_beside(blendfile: Path, progress: Progress, is_canceled: Callable[[], bool]) -> Path:
    for number in range(1, _MOST_COPIES):
        mark = MARK if number == 1 else f"-{number}{MARK}"
        copy = blendfile.with_name(f"{blendfile.stem}{mark}{blendfile.suffix}")
        if not copy.exists() and not _cache_of(copy).exists():
            _make(blendfile, copy, progress, is_canceled)
        # Compare a new copy, too: another submission may have made it first.
        if copy.exists() and _is_same(blendfile, copy):
            return copy
    raise FilesError(f"{blendfile.parent} is full of copies of {blendfile.name}: remove old ones")


def _cache_of(blendfile: Path) -> Path:
    """Return the folder of a file's point caches: cloth and particles, but not smoke."""
    return blendfile.with_name(f"blendcache_{blendfile.stem}")


def _files_of(blendfile: Path) -> Iterator[tuple[Path, Path]]:
    """Yield the file with an empty path, and its caches with their paths in the cache's folder."""
    yield blendfile, Path()
    cache = _cache_of(blendfile)
    for file in sorted(cache.rglob("*")):
        if file.is_file():
            yield file, file.relative_to(cache)


def _is_same(blendfile: Path, copy: Path) -> bool:
    if not filecmp.cmp(blendfile, copy, shallow=False):
        return False
    caches, copies = (
        {place: stamp_of(file) for file, place in _files_of(each) if file != each}
        for each in (blendfile, copy)
    )
    return caches == copies


def _make(blendfile: Path, copy: Path, progress: Progress, is_canceled: Callable[[], bool]) -> None:
    """Copy the file and its caches: either all or nothing.

    Do nothing if another submission makes the same copy first.
    """
    building = blendfile.with_name(f".{secrets.token_hex(6)}{MARK}.partial")
    cache = building.with_suffix(".cache")
    files = [
        (file, cache / place if place.parts else building) for file, place in _files_of(blendfile)
    ]
    done, total = 0, sum(stamp_of(file).size for file, _ in files)
    try:
        for file, target in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as written:
                for block in blocks(file, is_canceled):
                    written.write(block)
                    done += len(block)
                    progress(f"Copying {file.name}", done, total)
            os.utime(target, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
        if is_canceled():
            raise Canceled
        _publish(building, cache, copy)
    finally:
        building.unlink(missing_ok=True)
        shutil.rmtree(cache, ignore_errors=True)


def _publish(building: Path, cache: Path, copy: Path) -> None:
    """Move the caches to their place, and then the .blend file, which shows that all is there."""
    if cache.exists():
        try:
            cache.rename(_cache_of(copy))
        except FileExistsError:
            return
    with contextlib.suppress(FileExistsError):
        try:
            # Unlike renaming, linking never replaces a file that was put there meanwhile.
            os.link(building, copy)
        except FileExistsError:
            raise
        except OSError:  # many network shares have no hard links
            building.rename(copy)
