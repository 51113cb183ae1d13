"""The shared storage as people may look at it: what is really in it, and nothing else.

A path is judged by where it leads when all links are followed, so neither `..` nor a link shows
what lies elsewhere. Everything here asks the file system, which may be far away: call it in a
thread.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from manager_api.contract.errors import BadRequest, Forbidden, NotFound

#: More are of no use in a list; it is said that there are more.
MAX_ENTRIES = 5_000
_NUMBERS = re.compile(r"(\d+)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Entry:
    name: str
    is_folder: bool
    size: int
    """In bytes; 0 of a folder."""
    modified: datetime


@dataclass(slots=True)
class Listing:
    folder: Path
    """As workers may call it: below the root as it is configured, links followed otherwise."""
    entries: list[Entry] = field(default_factory=list)
    """Folders first, then by name, numbers in it by their value."""
    total: int = 0
    """With those that are too many to be listed."""
    hidden: int = 0
    """Left out because their names begin with a dot."""
    leading_out: int = 0
    """Left out because they are links to elsewhere, or to nothing."""


class SharedStorage:
    def __init__(self, root: Path) -> None:
        self.root = root
        self._real_root = _resolved(root)

    def inside(self, path: Path) -> Path:
        """Where it really is. It need not exist. A relative path begins at the root.

        Raises:
            Forbidden: it is not in the shared storage.
            BadRequest: no path of this platform.
        """
        real = _resolved(self.root / path)
        if not real.is_relative_to(self._real_root):
            raise Forbidden(f"{path} is not in the shared storage, which is {self.root}")
        return real

    def nearest(self, path: Path) -> Path:
        """The path itself, or the first above it that exists.

        Raises:
            Forbidden, BadRequest: see `inside`.
        """
        real = self.inside(path)
        while not real.exists() and real != self._real_root:
            real = real.parent
        return self.root / real.relative_to(self._real_root)

    def listing(self, path: Path, *, contains: str = "", with_hidden: bool = False) -> Listing:
        """Of a folder; of that which a file is in.

        Raises:
            Forbidden, BadRequest: see `inside`.
            NotFound: it does not exist, or cannot be read.
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
        """With whether it is a folder; the others are counted."""
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
        except (OSError, RuntimeError):  # to nothing, or round in a circle
            return False


def _resolved(path: Path) -> Path:
    try:
        real = path.resolve()
        # Says whether there can be such a path: one with too long a name resolves all the same.
        real.exists()
        return real
    except (OSError, ValueError, RuntimeError) as error:
        raise BadRequest(f"no such path: {error}") from error


def _can_be_said(name: str) -> bool:
    """Names are bytes to Linux; what is no Unicode in them no JSON can carry."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _order(item: tuple[os.DirEntry[str], bool]) -> tuple[bool, list[tuple[bool, int, str]], str]:
    entry, is_folder = item
    parts = _NUMBERS.split(entry.name.casefold())
    # Numbers at the odd places. The length first: Python refuses to convert thousands of digits.
    named = [
        (False, int(part), "") if place % 2 and len(part) < 20 else (True, 0, part)
        for place, part in enumerate(parts)
    ]
    return (not is_folder, named, entry.name)


def _entry(entry: os.DirEntry[str], is_folder: bool) -> Entry | None:
    """None if it is gone by now."""
    try:
        stat = entry.stat()
    except OSError:
        return None
    modified = datetime.fromtimestamp(stat.st_mtime, UTC)
    return Entry(entry.name, is_folder, 0 if is_folder else stat.st_size, modified)
