"""For a file on the shared storage: a copy beside it, so that the artist may go on working.

Beside it, because relative paths stay valid. Its name ends in `.flamenco.blend`, which is what
job types take off again when they name a preview video. A copy is never changed: the same content
is not copied again, other content gets a copy with another number, so that each job renders what
was submitted, however often a file is. Point caches, which Blender finds by the file's name, are
copied with it.
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
    """The copy; the file itself if it is one already.

    Raises:
        FilesError: the folder does not let us.
        Canceled: is_canceled() said so.
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
        # Also after that: somebody else may have been faster.
        if copy.exists() and _is_same(blendfile, copy):
            return copy
    raise FilesError(f"{blendfile.parent} is full of copies of {blendfile.name}: remove old ones")


def _cache_of(blendfile: Path) -> Path:
    """Where Blender keeps a file's point caches: smoke is elsewhere, cloth and particles here."""
    return blendfile.with_name(f"blendcache_{blendfile.stem}")


def _files_of(blendfile: Path) -> Iterator[tuple[Path, Path]]:
    """The file and its point caches, with their places relative to the file and to its caches."""
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
    """There whole, or not at all; not either if somebody else was faster."""
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
    """The caches first: a job is submitted when the .blend file is there."""
    if cache.exists():
        try:
            cache.rename(_cache_of(copy))
        except FileExistsError:
            return
    with contextlib.suppress(FileExistsError):
        try:
            # Unlike renaming, this never takes the place of what somebody put there just now.
            os.link(building, copy)
        except FileExistsError:
            raise
        except OSError:  # no such links there, as on many network shares
            building.rename(copy)
