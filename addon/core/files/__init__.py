"""A job's files: found, and brought to where the workers find them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..manager import Manager
from ..progress import Canceled, Progress
from .errors import FilesError
from .pack import MissingFile
from .routes import Route, Storage, choose_route

__all__ = [
    "Canceled",
    "Delivered",
    "FilesError",
    "MissingFile",
    "Route",
    "choose_route",
    "deliver",
    "missing_files",
]


@dataclass(frozen=True)
class Delivered:
    """What a job says about its files."""

    blendfile: str
    """For the setting `blendfile`."""
    shaman_checkout_id: str = ""
    """For the job's `storage`; empty: no checkout."""


def deliver(
    route: Route,
    *,
    manager: Manager,
    storage: Storage,
    blendfile: Path,
    project_root: Path,
    job_name: str,
    progress: Progress,
    is_canceled: Callable[[], bool],
    cache_folder: Path | None = None,
) -> Delivered:
    """Bring the saved file, and all that it refers to, to where workers find it. Blocks.

    Args:
        route: see choose_route().
        project_root: paths in the pack are relative to it.
        progress: called from this thread.
        is_canceled: asked often, from this thread.
        cache_folder: remembers checksums; None: the user's cache folder.

    Raises:
        FilesError: a file or the storage does not let us.
        ManagerError: the manager does not let us.
        Canceled: is_canceled() said so, and nothing is left behind.
    """
    raise NotImplementedError


def missing_files(
    blendfile: Path, is_canceled: Callable[[], bool] = lambda: False
) -> tuple[MissingFile, ...]:
    """What the saved file, and the libraries it links, refer to and is not there. Blocks.

    Raises:
        FilesError: the file cannot be read.
        Canceled: is_canceled() said so.
    """
    raise NotImplementedError
