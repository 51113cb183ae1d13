"""By which of three ways a job's files come to where the workers find them."""

import enum
from pathlib import Path
from typing import Protocol


class Storage(Protocol):
    """What we need to know of the farm's shared storage."""

    @property
    def location(self) -> str:
        """As this machine sees it."""

    @property
    def shaman_enabled(self) -> bool: ...


class Route(enum.Enum):
    IN_PLACE = "in place"
    """On the shared storage already; the job gets a copy of the .blend file beside it."""
    COPY = "copy"
    """Copied to the shared storage, with all that the file refers to."""
    SHAMAN = "shaman"
    """Uploaded to the manager, which keeps each content once."""


def choose_route(blendfile: Path, storage: Storage) -> Route:
    """On the storage already: in place; else by Shaman, if the manager has it; else a copy."""
    if path_in_storage(blendfile, storage) is not None:
        return Route.IN_PLACE
    return Route.SHAMAN if storage.shaman_enabled else Route.COPY


def path_in_storage(blendfile: Path, storage: Storage) -> Path | None:
    """The file under the name that the farm has for the storage; None: it is elsewhere.

    Links are followed first, so that a storage mounted twice is one.
    """
    if not storage.location:
        return None
    location = Path(storage.location)
    try:
        return location / blendfile.resolve().relative_to(location.resolve())
    except (ValueError, OSError, RuntimeError):  # elsewhere; not readable; links in a circle
        return None
