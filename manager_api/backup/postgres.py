"""The manager's database in PostgreSQL, by PostgreSQL's own programs."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import URL, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.backup.manifest import BackupRefused
from manager_api.database.shown_address import shown_address

#: A lock that waits longer than PostgreSQL's `deadlock_timeout` (1 s) could cost a manager its
#: transaction.
_LOCK_TIMEOUT = "500ms"
_TRIES = 20
_PAUSE_S = 0.5
_LOCK_NOT_AVAILABLE = "55P03"
_PACKAGE = (
    "The program {program} of PostgreSQL is not on the path. Debian and Ubuntu have it in the "
    "package postgresql-client, Fedora in postgresql, Homebrew in libpq. Its version must not be "
    "older than the server's."
)
#: By asyncpg's words in an address.
_VARIABLES: Mapping[str, str] = {
    "host": "PGHOST",
    "port": "PGPORT",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "ssl": "PGSSLMODE",
}
_LONGEST_MESSAGE = 500


def program(name: str) -> str:
    """Return the path of one of PostgreSQL's programs.

    Raises:
        BackupRefused: it is not installed; the message says which package has it.
    """
    found = shutil.which(name)
    if found is None:
        raise BackupRefused(_PACKAGE.format(program=name))
    return found


class Snapshot:
    """A moment of the database, which `dump` writes to a file."""

    def __init__(self, url: URL, name: str, migration: str) -> None:
        self._url = url
        self._name = name
        self.migration = migration
        """The number of the newest migration."""

    async def dump(self, file: Path, without_rows_of: Sequence[str]) -> None:
        """Write all tables to a new file in `pg_dump`'s custom format.

        Args:
            without_rows_of: tables that are to be empty.

        Raises:
            BackupRefused: `pg_dump` is missing or has failed.
        """
        options = [f"--exclude-table-data={table}" for table in without_rows_of]
        options += ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={self._name}"]
        await asyncio.to_thread(_run, "pg_dump", [*options, f"--file={file}"], self._url)


@asynccontextmanager
async def snapshot_of(database_url: str) -> AsyncIterator[tuple[Snapshot, AsyncConnection]]:
    """Fix a moment of the database, while no manager can write.

    Yields:
        The snapshot, and the connection with the locks. Managers write again when its transaction
        is rolled back; the snapshot can be used until the context ends.

    Raises:
        BackupRefused: the database does not answer, is not a manager's, or is busy all the time.
    """
    url = make_url(database_url)
    engine = create_async_engine(url, poolclass=NullPool)
    try:
        async with engine.connect() as lock, engine.connect() as reading:
            tables = await _tables(lock)
            await lock.rollback()
            if "alembic_version" not in tables:
                raise BackupRefused(
                    f"The database {shown_address(database_url)} is not that of a farm."
                )
            await _lock(lock, tables)
            reading = await reading.execution_options(isolation_level="REPEATABLE READ")
            name = (await reading.execute(text("SELECT pg_export_snapshot()"))).scalar_one()
            query = text("SELECT version_num FROM alembic_version")
            migration = (await reading.execute(query)).scalar_one()
            yield Snapshot(url, name, migration), lock
    except (DBAPIError, OSError) as error:
        raise _unusable(database_url, error) from error
    finally:
        await engine.dispose()


async def check_is_empty(database_url: str) -> None:
    """Check that a backup can be restored to this database.

    Raises:
        BackupRefused: it has tables, or does not answer.
    """
    engine = create_async_engine(database_url, poolclass=NullPool)
    try:
        async with engine.connect() as connection:
            tables = await _tables(connection)
    except (DBAPIError, OSError) as error:
        raise _unusable(database_url, error) from error
    finally:
        await engine.dispose()
    if tables:
        name = make_url(database_url).database
        raise BackupRefused(
            f"The database {shown_address(database_url)} has tables, which a restore does not "
            f'replace. Put it aside (ALTER DATABASE "{name}" RENAME TO …) and create an empty one.'
        )


def load(database_url: str, dump: Path) -> None:
    """Fill an empty database from a dump, as a whole or not at all. Blocks.

    Raises:
        BackupRefused: `pg_restore` is missing or has failed.
    """
    url = make_url(database_url)
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"]
    _run("pg_restore", [*options, f"--dbname={url.database}", str(dump)], url)


async def _tables(connection: AsyncConnection) -> list[str]:
    query = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1")
    return list((await connection.execute(query)).scalars())


async def _lock(connection: AsyncConnection, tables: Sequence[str]) -> None:
    names = ", ".join('"' + table.replace('"', '""') + '"' for table in tables)
    for attempt in range(1, _TRIES + 1):
        try:
            await connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
            await connection.execute(text(f"LOCK TABLE {names} IN SHARE MODE"))
            return
        except DBAPIError as error:
            await connection.rollback()
            is_locked = getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE
            if not is_locked or attempt == _TRIES:
                raise
        await asyncio.sleep(_PAUSE_S)


def _run(name: str, options: Sequence[str], url: URL) -> None:
    done = subprocess.run(
        [program(name), "--no-password", *options],
        env=os.environ | _environment(url),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        umask=0o077,
    )
    if done.returncode:
        said = done.stderr.strip()[:_LONGEST_MESSAGE] or f"exit code {done.returncode}"
        raise BackupRefused(f"{name} has failed: {said}")


def _environment(url: URL) -> dict[str, str]:
    """Return an address as libpq's variables. So a password stands in no list of processes."""
    given = {
        "host": url.host,
        "port": url.port,
        "user": url.username,
        "password": url.password,
        **url.query,
    }
    found = {_VARIABLES[key]: str(given[key]) for key in _VARIABLES if given.get(key)}
    return found | ({"PGDATABASE": url.database} if url.database else {})


def _unusable(database_url: str, error: Exception) -> BackupRefused:
    said = str(error.orig if isinstance(error, DBAPIError) else error).splitlines()[0]
    return BackupRefused(f"The database {shown_address(database_url)} cannot be used: {said}.")
