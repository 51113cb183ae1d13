"""Checks the database: SQLite checks its own file; PostgreSQL only has to answer."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from manager_api.database.engine import Database, DatabaseBusy

#: A PostgreSQL that is being restarted is back within this time.
TRIES = 6
PAUSE_S = 5.0


class DatabaseBroken(Exception):
    """The database is damaged or unreachable, so the manager must stop. The message says why."""


async def check_database(
    database: Database, *, tries: int = TRIES, pause_s: float = PAUSE_S
) -> None:
    """Check the database. An SQLite database that another process uses counts as intact.

    Args:
        database: the database.
        tries: how often PostgreSQL is asked.
        pause_s: seconds between two tries.

    Raises:
        DatabaseBroken: the database is damaged, or does not answer after `tries` tries.
    """
    try:
        if database.is_sqlite:
            await asyncio.to_thread(_check_file, database)
        else:
            await _ask(database, tries, pause_s)
    except (DBAPIError, sqlite3.Error) as error:
        problem = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseBroken(_sentence(database, str(problem))) from error
    except (OSError, SQLAlchemyError) as error:
        raise DatabaseBroken(_sentence(database, str(error))) from error


def _check_file(database: Database) -> None:
    path = Path(make_url(database.url).database or "").absolute()
    if not path.exists():
        # The first start creates the file.
        return
    # Use a new connection: one that was used before reads its cache instead of the disk.
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True)) as connection:
        try:
            [first] = connection.execute("PRAGMA integrity_check(1)").fetchone()
        except sqlite3.OperationalError as error:
            if "locked" in str(error):
                # Another process uses the file, so it exists; the next check will do.
                return
            raise
    if first != "ok":
        raise DatabaseBroken(_sentence(database, str(first)))


async def _ask(database: Database, tries: int, pause_s: float) -> None:
    for attempt in range(1, tries + 1):
        try:
            await database.answers()
            return
        except DatabaseBusy as error:
            if attempt == tries:
                raise DatabaseBroken(_sentence(database, str(error))) from error
        await asyncio.sleep(pause_s)


def _sentence(database: Database, problem: str) -> str:
    what = "\n".join(problem.splitlines()[:3])
    return f"The database {database.shown_url} cannot be used: {what}"
