"""Copies SQLite databases as they are at one moment, while other processes write to them."""

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

#: Pages of one step of a copy, between two reports of its progress.
_STEP_PAGES = 2_000

Progress = Callable[[int], None]
"""Gets the number of bytes that have been worked on since the last call."""


def opened(path: Path, *, wait_s: float) -> sqlite3.Connection:
    """Open an existing database, without transactions of the driver's own.

    Args:
        path: the database's file.
        wait_s: how long a statement waits for another process's lock, in seconds.

    Raises:
        sqlite3.Error: it does not exist, or is no database.
    """
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw", uri=True, isolation_level=None, timeout=wait_s
    )


def begin_reading(connection: sqlite3.Connection) -> None:
    """Fix the moment that this connection sees, until its transaction ends.

    With a write-ahead log, as all our databases have, it keeps no other connection from writing.
    """
    connection.execute("BEGIN")
    # `BEGIN` alone fixes nothing: the first read does.
    connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()


def copy_database(
    source: sqlite3.Connection, target: Path, progress: Progress | None = None
) -> None:
    """Copy the moment that `source` sees into a new file, which only this user can read; check it.

    Args:
        source: in a transaction of `begin_reading`, or all pages are not of one moment.
        target: a file that does not exist. It stays if an error is raised.
        progress: is told how many bytes are copied.

    Raises:
        OSError, sqlite3.Error: it cannot be read or written.
        sqlite3.DatabaseError: the copy is damaged, and so is its source.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    page_bytes: int = source.execute("PRAGMA page_size").fetchone()[0]
    done = 0

    def report(_status: int, remaining: int, total: int) -> None:
        nonlocal done
        if progress is not None:
            progress((total - remaining - done) * page_bytes)
        done = total - remaining

    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        # `flush` makes a copy survive a power cut that has to.
        copy.execute("PRAGMA synchronous=OFF")
        source.backup(copy, pages=_STEP_PAGES, progress=report)
    with closing(sqlite3.connect(target, isolation_level=None)) as copy:
        [problem] = copy.execute("PRAGMA quick_check(1)").fetchone()
    if problem != "ok":
        raise sqlite3.DatabaseError(str(problem))


def migration_of(connection: sqlite3.Connection) -> str:
    """Return the number of the newest migration of a manager's database; empty if it has none."""
    tables = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'alembic_version'"
    if not connection.execute(tables).fetchone()[0]:
        return ""
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else ""


def flush(path: Path) -> None:
    """Return when a file's content, or a folder's list of files, survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
