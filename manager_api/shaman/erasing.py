"""Erases a checkout and nothing else."""

import contextlib
import os
import secrets
import shutil

from manager_api.shaman import register
from manager_api.shaman.folders import check_is_inside, remove_empty_folders
from manager_api.shaman.layout import Layout
from workflows.domain.shaman import NotAllowed, checkout_path


def erase_checkout(layout: Layout, checkout_id: str) -> None:
    """Erase a checkout, and each parent folder that is empty afterwards.

    A checkout that does not exist counts as erased. The checkout disappears in one step: if the
    process is killed meanwhile, nothing remains under its name, and garbage collection deletes the
    rest.

    Raises:
        NotAllowed: a checkout cannot have this path.
        OSError: the disk refuses.
    """
    name = checkout_path(checkout_id)
    checkout = layout.jobs / name
    if not os.path.lexists(checkout):
        register.leave(layout, name)
        return
    check_is_inside(layout, checkout.parent)
    if checkout.is_symlink() or not checkout.is_dir():
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: it is no folder")
    if register.is_in_checkout(layout, name):
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: it is a part of one")
    if register.has_checkouts_in(layout, name):
        raise NotAllowed(f"{checkout_id[:100]!r} is no checkout: there are others in it")
    layout.building.mkdir(exist_ok=True)
    gone = layout.building / secrets.token_hex(8)
    with contextlib.suppress(FileNotFoundError):
        checkout.rename(gone)
        shutil.rmtree(gone)
    register.leave(layout, name)
    remove_empty_folders(checkout.parent, up_to=layout.jobs)
