"""SQLite connections for SQLAlchemy that switch threads once per statement, not four times.

aiosqlite opens a cursor, executes, fetches and closes in four separate steps in the connection's
thread. A write of a job's changes has about ten statements, so the thread switches cost more than
SQLite itself. For the same reason a transaction begins together with its first statement, and an
end that has nothing to undo does without the thread.
"""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import aiosqlite

#: Two connections that switch a new database to WAL at the same moment would find it locked.
_opening = threading.Lock()
_SETTINGS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON")


def lean_connections(
    path: str, timeout_s: float, *, only_read: bool
) -> Callable[[], "LeanConnection"]:
    """Return the `async_creator` for `create_async_engine`.

    Args:
        path: the database's file.
        timeout_s: how long a statement waits for another process's lock, in seconds.
        only_read: whether the connections write nothing.
    """

    def connect() -> sqlite3.Connection:
        # The driver's own transactions are switched off: they begin too late, and without a lock.
        # `rollback` may be called outside the connection's thread.
        connection = sqlite3.connect(
            path, timeout=timeout_s, isolation_level=None, check_same_thread=False
        )
        with _opening:
            for setting in (*_SETTINGS, "query_only=ON") if only_read else _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        return connection

    def create() -> LeanConnection:
        connection = LeanConnection(connect, iter_chunk_size=64)
        connection.only_reads = only_read
        # A connection that is never closed must not keep the process alive.
        connection._thread.daemon = True
        return connection

    return create


class LeanConnection(aiosqlite.Connection):
    only_reads = False
    _is_in_thread = False
    _stopped: "asyncio.Future[None] | None" = None

    def stop(self) -> "asyncio.Future[None] | None":
        """Let the thread close the connection and end, once.

        A second order would never be answered, and whoever closes the connection waits for it.
        """
        if self._running:
            self._stopped = super().stop()
        return self._stopped

    def cursor(self) -> "LeanCursor":  # type: ignore[override]  # as SQLAlchemy calls it
        return LeanCursor(self)

    def begun(self) -> sqlite3.Connection:
        """Return SQLite's connection in a transaction, which is begun if none is open. Blocks."""
        if not self._conn.in_transaction:
            self._conn.execute("BEGIN" if self.only_reads else "BEGIN IMMEDIATE")
        return self._conn

    async def rollback(self) -> None:
        """Undo the transaction. SQLAlchemy calls this after each transaction, committed or not."""
        has_written = self._conn.in_transaction and not self.only_reads
        if has_written or self._is_in_thread:
            await super().rollback()
        else:
            self._conn.rollback()

    async def in_its_thread(self, call: Callable[..., None], *arguments: Any) -> None:
        self._is_in_thread = True
        await self._execute(self._called, call, *arguments)  # type: ignore[no-untyped-call] # it has none

    def _called(self, call: Callable[..., None], *arguments: Any) -> None:
        try:
            call(*arguments)
        finally:
            self._is_in_thread = False


class LeanCursor:
    """The part of a cursor that SQLAlchemy uses. All rows are fetched with the statement."""

    description: Any = None
    rowcount = -1
    lastrowid: int | None = None
    arraysize = 1

    def __init__(self, connection: LeanConnection) -> None:
        self._connection = connection
        self._rows: list[Any] = []

    async def __aenter__(self) -> "LeanCursor":
        return self

    async def execute(self, sql: str, parameters: Sequence[Any] = ()) -> None:
        await self._connection.in_its_thread(self._run, sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        await self._connection.in_its_thread(self._run, sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = []

    def _run(self, execute: Callable[..., Any], sql: str, parameters: Any) -> None:
        cursor = self._connection.begun().cursor()
        try:
            execute(cursor, sql, parameters)
            self.description = cursor.description
            self.rowcount = cursor.rowcount
            self.lastrowid = cursor.lastrowid
            self._rows = cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()
