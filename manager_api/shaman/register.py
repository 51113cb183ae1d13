"""Which folders in `jobs` are checkouts, and which only have some in them.

Looking at them does not tell, and whoever names a folder to be erased is an outsider. So there is a
tree of the same shape: an empty file for a checkout, a folder for what has some in it. A checkout
that is not in it, as one that Flamenco made, is still one; it is only less well guarded.
"""

import logging
import os
import shutil
from pathlib import Path

from manager_api.shaman.folders import remove_empty_folders
from manager_api.shaman.layout import Layout

logger = logging.getLogger(__name__)

#: Another manager may erase the last checkout of a folder just as we enter one there.
_ATTEMPTS = 5


def enter(layout: Layout, name: str) -> None:
    """To be called once the checkout is there. That it cannot be entered does not undo it."""
    mark = layout.register / name
    for _ in range(_ATTEMPTS):
        try:
            _make_room(layout.register, name)
            mark.parent.mkdir(parents=True, exist_ok=True)
            mark.touch()
        except FileNotFoundError:
            continue
        except OSError as error:
            logger.warning(
                "a checkout could not be registered", extra={"checkout": name, "reason": str(error)}
            )
        return


def leave(layout: Layout, name: str) -> None:
    mark = layout.register / name
    if mark.is_file():
        mark.unlink(missing_ok=True)
        remove_empty_folders(mark.parent, up_to=layout.register)


def is_checkout(layout: Layout, name: str) -> bool:
    return (layout.register / name).is_file()


def has_checkouts_in(layout: Layout, name: str) -> bool:
    """Those that somebody removed by hand do not count."""
    return any(
        os.path.lexists(layout.jobs / os.path.relpath(folder, layout.register) / mark)
        for folder, _, marks in os.walk(layout.register / name)
        for mark in marks
    )


def _make_room(register: Path, name: str) -> None:
    """What is in the way tells of something that is no longer there."""
    mark = register / name
    if mark.is_dir():
        shutil.rmtree(mark)
    for above in mark.relative_to(register).parents:
        if (register / above).is_file():
            (register / above).unlink()
