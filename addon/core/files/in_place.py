"""For a file on the shared storage: a copy beside it, so that the artist may go on working.

Beside it, because relative paths stay valid. Its name ends in `.flamenco.blend`, which is what
job types take off again when they name a preview video. A copy is never changed: the same content
is not copied again, other content gets a copy with another number, so that each job renders what
was submitted, however often a file is.
"""

import filecmp
import os
import secrets
from collections.abc import Callable
from pathlib import Path

from ..progress import Progress
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
    building = blendfile.with_name(f".{secrets.token_hex(6)}{MARK}.partial")
    try:
        _copy(blendfile, building, progress, is_canceled)
        return _published(building, blendfile)
    except PermissionError as error:
        raise FilesError(
            f"You may not write to {blendfile.parent}, where the job's copy of "
            f"{blendfile.name} goes: ask for permission, or save the file elsewhere"
        ) from error
    except OSError as error:
        raise FilesError(
            f"{blendfile.name} cannot be copied beside itself: {error.strerror or error}"
        ) from error
    finally:
        building.unlink(missing_ok=True)


def _copy(
    blendfile: Path, building: Path, progress: Progress, is_canceled: Callable[[], bool]
) -> None:
    done, total = 0, stamp_of(blendfile).size
    with building.open("xb") as copy:
        for block in blocks(blendfile, is_canceled):
            copy.write(block)
            done += len(block)
            progress(f"Copying {blendfile.name}", done, total)


def _published(building: Path, blendfile: Path) -> Path:
    for number in range(1, _MOST_COPIES):
        mark = MARK if number == 1 else f"-{number}{MARK}"
        copy = blendfile.with_name(f"{blendfile.stem}{mark}{blendfile.suffix}")
        if not copy.exists():
            _give_name(building, copy)
        # Also when somebody else was faster, or the name is taken: what counts is the content.
        if filecmp.cmp(building, copy, shallow=False) if building.exists() else True:
            return copy
    raise FilesError(f"{blendfile.parent} is full of copies of {blendfile.name}: remove old ones")


def _give_name(building: Path, copy: Path) -> None:
    try:
        # Unlike renaming, this never takes the place of what somebody put there just now.
        os.link(building, copy)
    except FileExistsError:
        pass
    except OSError:  # no such links there, as on many network shares
        building.rename(copy)
