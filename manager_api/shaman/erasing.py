"""Takes a checkout away, and only that."""

import contextlib
import os
import secrets
import shutil

from manager_api.shaman import register
from manager_api.shaman.folders import check_is_inside, remove_empty_folders
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
    name = checkout_path(checkout_id)
    checkout = layout.jobs / name
    if not os.path.lexists(checkout):
        register.leave(layout, name)
        return
    check_is_inside(layout, checkout.parent)
    if checkout.is_symlink() or not checkout.is_dir():
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: it is no folder")
    if register.has_checkouts_in(layout, name):
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: there are others in it")
    layout.building.mkdir(exist_ok=True)
    gone = layout.building / secrets.token_hex(8)
    with contextlib.suppress(FileNotFoundError):
        checkout.rename(gone)
        shutil.rmtree(gone)
    register.leave(layout, name)
    remove_empty_folders(checkout.parent, up_to=layout.jobs)
