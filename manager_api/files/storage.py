"""Shows what is in the shared storage, and nothing outside it.

All links of a path are followed before the path is checked, so neither `..` nor a link leads to
files elsewhere. All functions ask the file system, which may be slow: call them in a thread.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from manager_api.contract.errors import BadRequest, Forbidden, NotFound

#: Most entries of a listing. Its `total` shows if there are more.
MAX_ENTRIES = 5_000
_NUMBERS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    is_folder: bool
    size: int
    """The size in bytes; 0 for a folder."""
    modified: datetime


@dataclass(slots=True)
class Listing:
    folder: Path
    """The path that workers may use: below the configured root, with links below it followed."""
    entries: list[Entry] = field(default_factory=list)
    """Folders first, then files; by name, with numbers in names in numeric order."""
    total: int = 0
    """The number of entries, including those above `MAX_ENTRIES`."""
    hidden: int = 0
    """The number of entries left out because their names begin with a dot."""
    leading_out: int = 0
    """The number of links left out because they lead outside, or to nothing."""


class SharedStorage:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = _resolved(root)

    def inside(self, path: Path) -> Path:
        """Return the path with all links followed. It need not exist.

        Args:
            path: an absolute path, or one relative to the root.

        Raises:
            Forbidden: the path is not in the shared storage.
            BadRequest: the path is not valid on this platform.
        """
        real = _resolved(self.root / path)
        if not real.is_relative_to(self._real_root):
            raise Forbidden(f"{path} is not in the shared storage, which is {self.root}")
        return real

    def nearest(self, path: Path) -> Path:
        """Return the path itself if it exists, else the nearest folder above it that exists.

        Raises:
            Forbidden, BadRequest: see `inside`.
        """
        real = self.inside(path)
        while not real.exists() and real != self._real_root:
            real = real.parent
        return self.root / real.relative_to(self._real_root)

    def listing(self, path: Path, *, contains: str = "", with_hidden: bool = False) -> Listing:
        """Return the listing of a folder; for a file, that of the folder it is in.

        Args:
            path: the folder or file; see `inside`.
            contains: list only entries whose names contain this text, in any case.
            with_hidden: list entries whose names begin with a dot, too.

        Raises:
            Forbidden, BadRequest: see `inside`.
            NotFound: the folder does not exist, or cannot be read.
        """
        real = self.inside(path)
        if real.is_file():
            real = real.parent
        listing = Listing(self.root / real.relative_to(self._real_root))
        try:
            with os.scandir(real) as found:
                chosen = list(self._chosen(found, listing, contains.casefold(), with_hidden))
        except OSError as error:
            raise NotFound(f"{listing.folder} cannot be read: {error.strerror or error}") from error
        listing.total = len(chosen)
        chosen.sort(key=_order)
        listing.entries = [
            entry for item in chosen[:MAX_ENTRIES] if (entry := _entry(*item)) is not None
        ]
        return listing

    def _chosen(
        self, found: Iterator[os.DirEntry[str]], listing: Listing, contains: str, with_hidden: bool
    ) -> Iterator[tuple[os.DirEntry[str], bool]]:
        """Yield the entries to list, each with whether it is a folder; count those left out."""
        for entry in found:
            if contains not in entry.name.casefold() or not _can_be_said(entry.name):
                continue
            if entry.name.startswith(".") and not with_hidden:
                listing.hidden += 1
            elif entry.is_symlink() and not self._leads_inside(entry):
                listing.leading_out += 1
            else:
                yield entry, entry.is_dir()

    def _leads_inside(self, entry: os.DirEntry[str]) -> bool:
        try:
            return Path(entry.path).resolve(strict=True).is_relative_to(self._real_root)
        except (OSError, RuntimeError):  # the link leads to nothing, or to itself
            return False


def _resolved(path: Path) -> Path:
    try:
        real = path.resolve()
        # This raises for a name that is too long, which `resolve` accepts.
        real.exists()
        return real
    except (OSError, ValueError, RuntimeError) as error:
        raise BadRequest(f"no such path: {error}") from error


def _can_be_said(name: str) -> bool:
    """Return whether JSON can carry a name. On Linux, names may contain bytes that are not text."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _order(item: tuple[os.DirEntry[str], bool]) -> tuple[bool, list[tuple[bool, int, str]], str]:
    entry, is_folder = item
    parts = _NUMBERS.split(entry.name.casefold())
    # Numbers are at the odd places. Longer ones stay text: Python does not convert thousands of
    # digits.
    named = [
        (False, int(part), "") if place % 2 and len(part) < 20 else (True, 0, part)
        for place, part in enumerate(parts)
    ]
    return (not is_folder, named, entry.name)


def _entry(entry: os.DirEntry[str], is_folder: bool) -> Entry | None:
    """Return the entry; None if the file no longer exists."""
    try:
        stat = entry.stat()
    except OSError:
        return None
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Entry(entry.name, is_folder, 0 if is_folder else stat.st_size, modified)
