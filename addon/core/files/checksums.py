"""Computes SHA-256 of files, and remembers it until a file's size or time of change differs."""

import contextlib
import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .sources import Stamp, blocks, check_unchanged, stamp_of

_TABLE = """CREATE TABLE IF NOT EXISTS checksums (
  path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, sha TEXT, used_s INTEGER
) WITHOUT ROWID"""
#: A file that changed this recently may change again without a new time of change.
_SETTLED_AFTER_NS = 3 * 10**9
_FORGET_AFTER_S = 90 * 24 * 3600
_WAIT_FOR_OTHERS_S = 5.0


@dataclass(frozen=True)
class Hashed:
    sha: str
    stamp: Stamp
    """The file's size and time of change when it had this checksum."""


def default_folder() -> Path:
    """Return the add-on's folder within the user's cache folder."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "tablao"


class Checksums:
    """A cache of checksums. Without a database, files are hashed each time."""

    def __init__(self, database: sqlite3.Connection | None) -> None:
        self._database = database

    def of(
        self, path: Path, is_canceled: Callable[[], bool], on_block: Callable[[int], None]
    ) -> Hashed:
        """Return a file's checksum, from the cache if it is there.

        Args:
            on_block: called with the number of bytes that were hashed or skipped.

        Raises:
            FilesError: the file cannot be read, or changes.
            Canceled: is_canceled() returned True.
        """
        stamp = stamp_of(path)
        if sha := self._known(path, stamp):
            on_block(stamp.size)
            return Hashed(sha, stamp)
        digest = hashlib.sha256()
        for block in blocks(path, is_canceled):
            digest.update(block)
            on_block(len(block))
        check_unchanged(path, stamp, stamp_of(path))
        self._remember(path, stamp, digest.hexdigest())
        return Hashed(digest.hexdigest(), stamp)

    def _known(self, path: Path, stamp: Stamp) -> str:
        if self._database is None:
            return ""
        asked = "SELECT sha FROM checksums WHERE path = ? AND size = ? AND mtime_ns = ?"
        with contextlib.suppress(sqlite3.Error):
            found = self._database.execute(asked, (os.fspath(path), stamp.size, stamp.mtime_ns))
            for (sha,) in found:
                return str(sha)
        return ""

    def _remember(self, path: Path, stamp: Stamp, sha: str) -> None:
        now_ns = time.time_ns()
        if self._database is None or now_ns - stamp.mtime_ns < _SETTLED_AFTER_NS:
            return
        row = (os.fspath(path), stamp.size, stamp.mtime_ns, sha, now_ns // 10**9)
        with contextlib.suppress(sqlite3.Error), self._database:
            self._database.execute("REPLACE INTO checksums VALUES (?, ?, ?, ?, ?)", row)


@contextlib.contextmanager
def checksums(folder: Path) -> Iterator[Checksums]:
    database = _opened(folder / "checksums.sqlite")
    try:
        yield Checksums(database)
    finally:
        if database is not None:
            database.close()


def _opened(path: Path) -> sqlite3.Connection | None:
    database = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        database = sqlite3.connect(path, timeout=_WAIT_FOR_OTHERS_S)
        with database:
            database.execute(_TABLE)
            oldest = int(time.time()) - _FORGET_AFTER_S
            database.execute("DELETE FROM checksums WHERE used_s < ?", (oldest,))
    except (OSError, sqlite3.Error):  # no space, no permission, or not a database
        if database is not None:
            database.close()
        return None
    return database
