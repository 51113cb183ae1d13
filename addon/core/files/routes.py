"""Chooses one of three routes by which a job's files reach the workers."""

import enum
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """The facts about the farm's shared storage that a route depends on."""

    @property
    def location(self) -> str:
        """The storage's folder, as this machine sees it."""

    @property
    def shaman_enabled(self) -> bool: ...


class Route(enum.Enum):
    IN_PLACE = "in place"
    """The file is on the shared storage already; the job gets a copy beside it."""
    COPY = "copy"
    """The file and all files that it uses are copied to the shared storage."""
    SHAMAN = "shaman"
    """The files are uploaded to the manager, which stores each content once."""


def choose_route(blendfile: Path, storage: Storage) -> Route:
    """Return IN_PLACE for a file on the storage; else SHAMAN if the manager has it; else COPY."""
    if path_in_storage(blendfile, storage) is not None:
        return Route.IN_PLACE
    return Route.SHAMAN if storage.shaman_enabled else Route.COPY


def path_in_storage(blendfile: Path, storage: Storage) -> Path | None:
    """Return the file's path below the storage's location; None if it is not on the storage.

    Links are followed first, so that the storage is recognized under each of its paths.
    """
    if not storage.location:
        return None
    location = Path(storage.location)
    try:
        return location / blendfile.resolve().relative_to(location.resolve())
    except (ValueError, OSError, RuntimeError):  # elsewhere; not readable; links in a circle
        return None


def outside_storage(files: Iterable[str], storage: Storage) -> Iterator[str]:
    """Yield the files that are there, and not on the storage. Each folder is looked at once."""
    is_inside: dict[Path, bool] = {}
    for file in files:
        path = Path(file)
        if path.parent not in is_inside:
            is_inside[path.parent] = path_in_storage(path.parent, storage) is not None
        if is_inside[path.parent] and not path.is_symlink():
            continue
        if path.is_file() and path_in_storage(path, storage) is None:
            yield file
