"""Our connections to SQLite: opened at once, canceled, and without a transaction when idle."""

import asyncio
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import text

from manager_api.database.engine import Database
from manager_api.database.lean_sqlite import LeanConnection, lean_connections
from manager_api.workers import tag_store as tags

#: Work for SQLite that is not done when the next line of the test runs.
SLOW = """
    WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 3000000)
    SELECT max(x) FROM n
"""


@pytest.fixture
def path(migrated_sqlite: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(migrated_sqlite, tmp_path / "tablao.sqlite"))


async def test_a_new_database_can_be_opened_twice_at_once(
    migrated_sqlite: Path, tmp_path: Path
) -> None:
    for number in range(200):
        path = shutil.copy(migrated_sqlite, tmp_path / f"{number}.sqlite")
        open_one = lean_connections(str(path), 10, only_read=False)

        opened = await asyncio.gather(*(_opened(open_one) for _ in range(2)))

        for connection in opened:
            await connection.close()


async def _opened(open_one: Callable[[], LeanConnection]) -> LeanConnection:
    connection = open_one()
    await connection
    return connection


async def test_a_connection_that_is_stopped_while_it_closes_is_closed(path: Path) -> None:
    """The driver's thread answers no second order to stop, so the manager could not end."""
    connection = await _opened(lean_connections(str(path), 10, only_read=True))
    slow = asyncio.create_task(connection.cursor().execute(SLOW))
    await asyncio.sleep(0)
    closing = asyncio.create_task(connection.close())
    await asyncio.sleep(0)

    connection.stop()
    closing.cancel()
    _, left = await asyncio.wait({slow, closing}, timeout=60)

    assert not left
    assert closing.cancelled()


async def test_a_reader_leaves_no_transaction_behind(path: Path) -> None:
    db = Database(f"sqlite+aiosqlite:///{path}")
    async with db.writing() as session:
        await tags.insert_tag(session, "1", "bulería", "")
    async with db.reading() as session:
        await tags.all_tags(session)

    other = sqlite3.connect(path, timeout=0)
    is_busy, _, _ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    await db.close()
    assert not is_busy


@pytest.mark.parametrize("kind", ["reading", "writing"])
async def test_a_canceled_statement_leaves_the_database_usable(path: Path, kind: str) -> None:
    db = Database(f"sqlite+aiosqlite:///{path}")

    has_begun = asyncio.Event()

    async def work() -> None:
        async with getattr(db, kind)() as session:
            await session.execute(text("SELECT 1"))
            has_begun.set()
            await session.execute(text(SLOW))

    working = asyncio.create_task(work())
    await has_begun.wait()
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)

    async with db.writing() as session:
        await tags.insert_tag(session, "1", "bulería", "")
    async with db.reading() as session:
        found = [tag.name for tag in await tags.all_tags(session)]
    await db.close()
    assert found == ["bulería"]
