"""Registers which folders in `jobs` are checkouts, and which only contain checkouts.

The folders themselves do not show it, and a request to erase one comes from outside. So the
register is a tree of the same shape: an empty file for a checkout, a folder for a folder with
checkouts in it. A checkout that is not registered, such as Flamenco's, can be erased; it is only
less protected.
"""

import logging
import os
import shutil
from pathlib import Path

from manager_api.shaman.folders import remove_empty_folders
from manager_api.shaman.layout import Layout

logger = logging.getLogger(__name__)

#: Another manager may erase the last checkout of a folder just as one is registered there.
_ATTEMPTS = 5


def enter(layout: Layout, name: str) -> None:
    """Register a checkout that exists now. If that fails, the checkout stays."""
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


def is_in_checkout(layout: Layout, name: str) -> bool:
    """Return whether a folder above this one is a registered checkout."""
    above = Path(name).parents
    return any(is_checkout(layout, str(each)) for each in above if each.name)


def has_checkouts_in(layout: Layout, name: str) -> bool:
    """Return whether registered checkouts are in the folder. Removed ones do not count."""
    return any(
        os.path.lexists(layout.jobs / os.path.relpath(folder, layout.register) / mark)
        for folder, _, marks in os.walk(layout.register / name)
        for mark in marks
    )


def _make_room(register: Path, name: str) -> None:
    """Remove an entry whose checkout no longer exists."""
    mark = register / name
    if mark.is_dir():
        shutil.rmtree(mark)
    for above in mark.relative_to(register).parents:
        if (register / above).is_file():
            (register / above).unlink()
