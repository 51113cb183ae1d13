"""Chooses one of three routes by which a job's files reach the workers."""

import enum
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
