"""Opens the database, SQLite or PostgreSQL, and hands out sessions that read or write."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any

from sqlalchemy import event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from manager_api.database import trail
from manager_api.database.before_migration import copy_before_migration
from manager_api.database.lean_sqlite import lean_connections
from manager_api.database.row_changes import NotingSession, changes_of
from manager_api.database.schema_version import is_migrated
from manager_api.database.shown_address import shown_address

#: Seconds that a connection waits for another process's write before the database counts as busy.
BUSY_TIMEOUT_S = 10.0
#: SQLSTATEs that mean "try again": serialization failure, deadlock, lock not available, too many
#: connections, cannot connect now, server shut down or crashed, connection broken.
BUSY_SQLSTATES = frozenset(
    {"40001", "40P01", "55P03", "53300", "57P03", "57P01", "57P02", "08000", "08003", "08006"}
)
#: SQLSTATEs of a server whose disk is full or cannot be written.
FULL_SQLSTATES = frozenset({"53100", "58030"})
#: SQLite's primary result codes of the same. A quota is an input or output error to SQLite, and on
#: a full disk it may be unable to create a file beside the database.
_PRIMARY_CODE = 0xFF
_FULL_CODES = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN})
#: How PostgreSQL locks a row that is about to change: new references to its key stay possible.
FOR_CHANGE = {"key_share": True}


def file_of(url: str) -> Path | None:
    """Return the file of an SQLite database; None for another database."""
    parsed = make_url(url)
    is_file = parsed.get_backend_name() == "sqlite" and parsed.database
    return Path(parsed.database or "").absolute() if is_file else None


class DatabaseBusy(Exception):
    """The database is busy. Nothing was stored; the caller can try again."""


class DatabaseFull(DatabaseBusy):
    """The database cannot be written now, most often because its disk is full.

    Nothing was stored. Reads may go on.
    """


class Changed(Enum):
    """Kinds of changes of a committed transaction that listeners can wait for."""

    EVENTS = auto()
    """New rows for the event stream."""
    FARM = auto()
    """Something that concerns the keeper: demand, leases, workers, the outbox."""
    DELETED_WORKERS = auto()
    """A worker was deleted or its secret ended, so connections with that secret must end."""
    HAPPENINGS = auto()
    """Something that people may want to be told."""
    HTTP_RUNS = auto()
    """The run of an HTTP worker has an outcome to deliver."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class Session(AsyncSession):
    """A session of `Database.writing()` or `Database.reading()`.

    Last steps run, and listeners are woken, only if the transaction ends without an error.
    """

    sync_session_class = NotingSession

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.changed: set[Changed] = set()
        self._last_steps: list[Callable[[], Awaitable[None]]] = []

    def before_commit(self, step: Callable[[], Awaitable[None]]) -> None:
        """Run `step` as the transaction's last work, in order of registration."""
        self._last_steps.append(step)

    async def finish(self) -> None:
        """Do the last steps, store the audit's entry of this request, and commit."""
        for step in self._last_steps:
            await step()
        entry = trail.current()
        is_due = entry is not None and bool(entry.action) and not entry.is_stored
        if entry is not None and is_due:
            await self.flush()
            if entry.before is None and entry.after is None:
                entry.before, entry.after = changes_of(self.sync_session).told()
            self.add(entry.row(utc_now()))
        await self.commit()
        if entry is not None and is_due:
            entry.is_stored = True


class Database:
    """One database. `url` is SQLAlchemy's: `sqlite+aiosqlite:///F` or `postgresql+asyncpg://…`.

    On SQLite the writers of this process queue up here, because a second writer would find the file
    busy. Readers run beside the writer, and each sees one moment of the database.
    """

    def __init__(self, url: str, *, busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self.url = url
        self.is_sqlite = make_url(url).get_backend_name() == "sqlite"
        self._listeners: dict[Changed, list[Callable[[], None]]] = {kind: [] for kind in Changed}
        self._writer = asyncio.Lock() if self.is_sqlite else None
        if self.is_sqlite:
            self._reading = _sqlite_engine(url, busy_timeout_s, only_read=True)
            self._writing = _sqlite_engine(url, busy_timeout_s, only_read=False)
        else:
            self._writing = _postgres_engine(url)
            self._reading = self._writing.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def shown_url(self) -> str:
        """The URL without its passwords."""
        return shown_address(self.url)

    def listen(self, kind: Changed, wake: Callable[[], None]) -> None:
        """Call `wake` after each commit of this process that changed something of this kind."""
        self._listeners[kind].append(wake)

    def unlisten(self, kind: Changed, wake: Callable[[], None]) -> None:
        """Undo one call of `listen` with the same arguments."""
        self._listeners[kind].remove(wake)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Session]:
        """Yield a session that sees one moment of the database and cannot write.

        Raises:
            DatabaseBusy: there is no free connection, or the database does not answer.
        """
        with _busy_named():
            async with Session(self._reading, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Session]:
        """Yield a session with one transaction: committed at the end, rolled back on an exception.

        Raises:
            DatabaseBusy: the database is busy or does not answer; nothing was stored.
        """
        with _busy_named():
            async with self._turn(), Session(self._writing, expire_on_commit=False) as session:
                yield session
                await session.finish()
        for wake in [wake for kind in session.changed for wake in self._listeners[kind]]:
            wake()

    async def answers(self) -> None:
        """Return if the database answers a query.

        Raises:
            DatabaseBusy: see `reading`.
        """
        async with self.reading() as session:
            await session.execute(text("SELECT 1"))

    async def migrate(self) -> None:
        """Migrate the tables to this build's version, in a separate thread.

        An SQLite database of an older version is copied before.

        Raises:
            DatabaseNewer: the database has a migration that this build does not know.
            NotCopied: the SQLite database cannot be copied, so it is not migrated.
            DatabaseBusy: it is busy, full or does not answer; the message is a sentence.
        """
        async with self.reading() as session:
            if await is_migrated(session):
                return
        if self.is_sqlite:
            file = Path(make_url(self.url).database or "")
            await asyncio.to_thread(copy_before_migration, file)
        # Alembic takes long to load, and most starts find nothing to migrate.
        from manager_api.database.migrate import upgrade

        try:
            with _busy_named():
                await asyncio.to_thread(upgrade, self.url)
        except DatabaseBusy as reason:
            raise type(reason)(
                f"The database was not migrated: {reason}. Nothing was changed, and the next start "
                "tries again."
            ) from reason

    async def close(self) -> None:
        await self._writing.dispose()
        await self._reading.dispose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._writer is None:
            yield
            return
        async with self._writer:
            yield


def _postgres_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, pool_size=10, max_overflow=20)

    @event.listens_for(engine.sync_engine, "do_connect")
    def connect(dialect: Any, _record: object, args: Any, kwargs: Any) -> Any:
        try:
            return dialect.connect(*args, **kwargs)
        except OSError as error:
            # An unknown name, no route or a missing socket file is not a ConnectionError, but means
            # the same to callers.
            raise ConnectionError(str(error)) from error

    return engine


def _sqlite_engine(url: str, busy_timeout_s: float, *, only_read: bool) -> AsyncEngine:
    path = make_url(url).database or ""
    connections = lean_connections(path, busy_timeout_s, only_read=only_read)
    return create_async_engine(url, async_creator=connections, pool_size=10)


@contextmanager
def _busy_named() -> Iterator[None]:
    try:
        yield
    except PoolTimeoutError as error:
        raise DatabaseBusy("every connection is in use") from error
    except ConnectionError as error:
        raise DatabaseBusy("the database does not answer") from error
    except DBAPIError as error:
        if (kind := _kind(error)) is None:
            raise
        raise kind(str(error.orig)) from error
    except Exception as error:
        # PostgreSQL's driver raises some errors that SQLAlchemy does not wrap. A manager with
        # SQLite does not load that driver, so its errors are known by their attribute.
        if (kind := _kind_of_state(getattr(error, "sqlstate", None))) is None:
            raise
        raise kind(str(error)) from error


def _kind(error: DBAPIError) -> type[DatabaseBusy] | None:
    if error.connection_invalidated:
        return DatabaseBusy
    if sqlstate := getattr(error.orig, "sqlstate", None):
        return _kind_of_state(sqlstate)
    if getattr(error.orig, "sqlite_errorcode", 0) & _PRIMARY_CODE in _FULL_CODES:
        return DatabaseFull
    text = str(error.orig)
    is_locked = "database is locked" in text or "database table is locked" in text
    return DatabaseBusy if is_locked else None


def _kind_of_state(sqlstate: str | None) -> type[DatabaseBusy] | None:
    if sqlstate in FULL_SQLSTATES:
        return DatabaseFull
    return DatabaseBusy if sqlstate in BUSY_SQLSTATES else None
