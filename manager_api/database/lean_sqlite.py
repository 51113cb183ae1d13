"""SQLite connections for SQLAlchemy that switch threads once per statement, not four times.

aiosqlite opens a cursor, executes, fetches and closes in four separate steps in the connection's
thread. A write of a job's changes has about ten statements, so the thread switches cost more than
SQLite itself.
"""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import aiosqlite


def lean_connections(path: str, timeout_s: float) -> Callable[[], "LeanConnection"]:
    """Return the `async_creator` for `create_async_engine`."""

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(path, timeout=timeout_s, isolation_level=None)

    def create() -> LeanConnection:
        connection = LeanConnection(connect, iter_chunk_size=64)
        # A connection that is never closed must not keep the process alive.
        connection._thread.daemon = True
        return connection

    return create


class LeanConnection(aiosqlite.Connection):
    def cursor(self) -> "LeanCursor":  # type: ignore[override]  # as SQLAlchemy calls it
        return LeanCursor(self)


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
        await self._in_its_thread(sqlite3.Cursor.execute, sql, parameters)

    async def executemany(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        await self._in_its_thread(sqlite3.Cursor.executemany, sql, parameters)

    async def fetchall(self) -> list[Any]:
        return self._rows

    async def close(self) -> None:
        self._rows = []

    async def _in_its_thread(self, execute: Callable[..., Any], sql: str, parameters: Any) -> None:
        run = self._connection._execute
        await run(self._run, execute, sql, parameters)  # type: ignore[no-untyped-call] # it has none

    def _run(self, execute: Callable[..., Any], sql: str, parameters: Any) -> None:
        cursor = self._connection._conn.cursor()
        try:
            execute(cursor, sql, parameters)
            self.description = cursor.description
            self.rowcount = cursor.rowcount
            self.lastrowid = cursor.lastrowid
            self._rows = cursor.fetchall() if cursor.description else []
        finally:
            cursor.close()
