"""One moment of both databases of a farm, the manager's and Temporal's, while both are in use.

Only the manager's database is locked, for the milliseconds in which both are begun to be read: what
one of them knows of the other is then as it was. The embedded Temporal is never locked. Its server
does not wait for a lock: it fails each request, and loads all its workflows again.
"""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from manager_api.backup.manifest import BackupRefused
from manager_api.database.sqlite_copies import begin_reading, opened

#: How long a write of the manager may keep the backup waiting, in seconds.
_WAIT_S = 60.0
_LOCKED = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


@dataclass(frozen=True, slots=True)
class Moment:
    """Connections that see the moment until they are closed."""

    database: sqlite3.Connection
    temporal: sqlite3.Connection | None
    held_s: float
    """For how long the manager could not write, in seconds."""


@contextmanager
def moment_of(database: Path, temporal: Path | None) -> Iterator[Moment]:
    """Begin to read an SQLite database and Temporal's at the same moment.

    Args:
        database: the manager's.
        temporal: the embedded Temporal's; None if the farm has none.

    Raises:
        BackupRefused: the manager's database was locked by another process all the time.
        sqlite3.Error: a database cannot be read.
    """
    with ExitStack() as stack:
        own = stack.enter_context(readable(database))
        theirs = stack.enter_context(readable(temporal)) if temporal else None
        lock = stack.enter_context(closing(opened(database, wait_s=_WAIT_S)))
        _lock(lock, database)
        began = time.monotonic()
        try:
            begin_reading(own)
            if theirs is not None:
                begin_reading(theirs)
        finally:
            lock.execute("ROLLBACK")
        held_s = time.monotonic() - began
        yield Moment(own, theirs, held_s)


@contextmanager
def readable(database: Path) -> Iterator[sqlite3.Connection]:
    """Open a database that can be read while others write.

    Raises:
        BackupRefused: it keeps no write-ahead log, so reading it would keep others from writing.
    """
    with closing(opened(database, wait_s=_WAIT_S)) as connection:
        connection.execute("PRAGMA query_only=ON")
        if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            raise BackupRefused(
                f"The database {database} has no write-ahead log, so no farm has used it yet. "
                "Start the farm once."
            )
        yield connection


def _lock(connection: sqlite3.Connection, database: Path) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _LOCKED:
            raise
        raise BackupRefused(
            f"The database {database} was locked by another process for {_WAIT_S:.0f} s. "
            "Try again when that process is done."
        ) from error
