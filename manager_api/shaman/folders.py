"""Checks and cleans the folders above a checkout."""

import contextlib
from pathlib import Path

from manager_api.shaman.layout import Layout
from workflows.domain.shaman import NotAllowed


def check_is_inside(layout: Layout, folder: Path) -> None:
    """Raises:
    NotAllowed: a link on the way leads out of the checkouts.
    """
    root = layout.jobs.resolve()
    real = folder.resolve()
    if real != root and root not in real.parents:
        raise NotAllowed(f"a link leads from {folder.name!r} out of the checkouts")


def remove_empty_folders(folder: Path, up_to: Path) -> None:
    """Remove this folder and the folders above it while they are empty; `up_to` stays."""
    with contextlib.suppress(OSError):  # not empty, or gone already
        while folder != up_to and up_to in folder.parents:
            folder.rmdir()
            folder = folder.parent
