"""Finds a job's files, and brings them to a place where workers can read them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..manager import Manager
from ..progress import Canceled, Progress
from .checksums import checksums, default_folder
from .copying import copy_pack
from .errors import FilesError
from .in_place import copy_beside
from .pack import MissingFile
from .routes import Route, Storage, choose_route, outside_storage, path_in_storage
from .shaman import ShamanUpload
from .tracing import missing, packed

__all__ = [
    "Canceled",
    "Delivered",
    "FilesError",
    "MissingFile",
    "Route",
    "choose_route",
    "deliver",
    "missing_files",
    "outside_storage",
    "path_in_storage",
]


@dataclass(frozen=True)
class Delivered:
    """The facts about delivered files that a job carries."""

    blendfile: str
    """The value of the setting `blendfile`."""
    shaman_checkout_id: str = ""
    """The value in the job's `storage`; empty: there is no checkout."""


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
    """Bring the saved file and all files that it uses to a place that workers can read. Blocks.

    Args:
        route: see choose_route().
        project_root: paths in the pack are relative to it.
        progress: called from this thread, or from a thread that sends a file.
        is_canceled: called often, from the same threads.
        cache_folder: the folder that keeps checksums; None: the user's cache folder.

    Raises:
        FilesError: a file cannot be read, or the storage cannot be written.
        ManagerError: the manager is not reached, or refuses.
        Canceled: is_canceled() returned True; nothing is left behind.
    """
    match route:
        case Route.IN_PLACE:
            return _in_place(storage, blendfile, progress, is_canceled)
        case Route.COPY:
            location = Path(storage.location)
            with packed(blendfile, project_root, progress, is_canceled) as pack:
                copy = copy_pack(pack, location, job_name, progress, is_canceled)
            return Delivered(copy.as_posix())
        case Route.SHAMAN:
            with (
                packed(blendfile, project_root, progress, is_canceled) as pack,
                checksums(cache_folder or default_folder()) as known,
            ):
                upload = ShamanUpload(manager, known, progress, is_canceled)
                checkout = upload.upload(pack, job_name)
            return Delivered(f"{{jobs}}/{checkout}/{pack.blendfile}", checkout)


def _in_place(
    storage: Storage, blendfile: Path, progress: Progress, is_canceled: Callable[[], bool]
) -> Delivered:
    path = path_in_storage(blendfile, storage)
    if path is None:
        raise FilesError(f"{blendfile} is not on the shared storage {storage.location}")
    return Delivered(copy_beside(path, progress, is_canceled).as_posix())


def missing_files(
    blendfile: Path, is_canceled: Callable[[], bool] = lambda: False
) -> tuple[MissingFile, ...]:
    """Return the missing files that the saved file, and its linked libraries, refer to. Blocks.

    Raises:
        FilesError: the file cannot be read.
        Canceled: is_canceled() returned True.
    """
    return missing(blendfile, is_canceled)
