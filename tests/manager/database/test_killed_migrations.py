"""A manager that is killed as it copies or migrates its database can be started again."""

import asyncio
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.database.before_migration import FOLDER
from manager_api.database.engine import Database
from manager_api.database.migrate import downgrade, upgrade
from manager_api.database.schema_version import newest_migration

#: Several migrations are made from here on, of tables, columns and rows.
OLDER = "0016"
#: Begins to migrate, says that it is in the middle, and stays there.
MIGRATES = """
import sys
from sqlalchemy import Engine, event
from manager_api.database.migrate import upgrade

@event.listens_for(Engine, "after_cursor_execute")
def stay(connection, cursor, statement, parameters, *_):
    # The second migration after the one that is there has been made by then.
    if "alembic_version" in statement and "0018" in f"{statement} {parameters}":
        print("in the middle", flush=True)
        sys.stdin.read()

upgrade(sys.argv[1])
"""
#: Begins to copy, and stays when the first page is there.
COPIES = """
import sys
from pathlib import Path
from manager_api.database import before_migration, sqlite_copies

def stay(_bytes):
    print("in the middle", flush=True)
    sys.stdin.read()

copy_database = before_migration.copy_database
sqlite_copies._STEP_PAGES = 1
before_migration.copy_database = lambda source, target: copy_database(source, target, stay)
before_migration.copy_before_migration(Path(sys.argv[1]))
"""


def kill_in_the_middle(script: str, argument: str) -> None:
    command = [sys.executable, "-c", script, argument]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        process.kill()
    assert said == b"in the middle\n"


def start(url: str) -> None:
    """Open the database as a manager does."""

    async def migrate() -> None:
        database = Database(url)
        try:
            await database.migrate()
        finally:
            await database.close()

    asyncio.run(migrate())


def seen(url: str) -> tuple[str, dict[str, list[str]]]:
    """The database's newest migration, and the columns of its tables."""

    def look(connection: Connection) -> tuple[str, dict[str, list[str]]]:
        inspector = inspect(connection)
        number = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        tables = sorted(inspector.get_table_names())
        return str(number), {name: _names(inspector.get_columns(name)) for name in tables}

    async def run() -> tuple[str, dict[str, list[str]]]:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(look)

    return asyncio.run(run())


def _names(columns: Any) -> list[str]:
    return sorted(column["name"] for column in columns)


def test_a_migration_that_is_killed_changes_nothing_and_is_made_at_the_next_start(
    empty_url: str,
) -> None:
    upgrade(empty_url)
    newest = seen(empty_url)
    downgrade(empty_url, OLDER)
    before = seen(empty_url)

    kill_in_the_middle(MIGRATES, empty_url)
    after = seen(empty_url)
    start(empty_url)

    assert before != newest
    assert after == before
    assert seen(empty_url) == newest


def test_what_a_killed_copy_has_left_is_removed_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "farm.sqlite"
    url = f"sqlite+aiosqlite:///{file}"
    upgrade(url)
    downgrade(url, "-1")
    number, _ = seen(url)

    kill_in_the_middle(COPIES, str(file))
    left = [each.suffix for each in (tmp_path / FOLDER).iterdir()]
    start(url)

    assert ".tmp" in left
    [copy] = (tmp_path / FOLDER).iterdir()
    assert copy.name == f"farm-{number}.sqlite"
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    assert seen(url)[0] == newest_migration()
