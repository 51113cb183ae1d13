"""Takes a checkout away, and only that."""

import contextlib
import os
import secrets
import shutil
from pathlib import Path

from manager_api.shaman.layout import Layout
from workflows.domain.shaman import NotAllowed, checkout_path


def erase_checkout(layout: Layout, checkout_id: str) -> None:
    """Also its parent folders, if it was the last in them. One that is not there is erased already.

    It is gone at once or not at all: whoever is killed while erasing leaves nothing under its name,
    and garbage collection takes the rest.

    Raises:
        NotAllowed: no path that a checkout could have.
        OSError: the disk does not let us.
    """
    checkout = layout.jobs / checkout_path(checkout_id)
    if not os.path.lexists(checkout):
        return
    check_is_inside(layout, checkout.parent)
    if checkout.is_symlink() or not checkout.is_dir():
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: it is no folder")
    layout.building.mkdir(exist_ok=True)
    gone = layout.building / secrets.token_hex(8)
    with contextlib.suppress(FileNotFoundError):
        checkout.rename(gone)
        shutil.rmtree(gone)
    remove_empty_folders(checkout.parent, up_to=layout.jobs)


def check_is_inside(layout: Layout, folder: Path) -> None:
    """Raises:
    NotAllowed: a link on the way leads out of the checkouts.
    """
    root = layout.jobs.resolve()
    real = folder.resolve()
    if real != root and root not in real.parents:
        raise NotAllowed(f"a link leads from {folder.name!r} out of the checkouts")


def remove_empty_folders(folder: Path, up_to: Path) -> None:
    """This one and those above it, as far as nothing else is in them; `up_to` stays."""
    with contextlib.suppress(OSError):  # not empty, or gone already
        while folder != up_to and up_to in folder.parents:
            folder.rmdir()
            folder = folder.parent
