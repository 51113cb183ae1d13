"""An SQLite database is copied before it is migrated, and not migrated if it cannot be copied."""

import asyncio
import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from manager_api.database import engine
from manager_api.database.before_migration import FOLDER, KEPT, NotCopied, copy_before_migration
from manager_api.database.engine import Database, DatabaseFull
from manager_api.database.migrate import downgrade, upgrade
from manager_api.database.schema_version import known_migrations, newest_migration
from tests.farm.small_disk import small_disk


def url_of(file: Path) -> str:
    return f"sqlite+aiosqlite:///{file}"


def start(file: Path) -> None:
    """Open the database as a manager does."""

    async def migrate() -> None:
        database = Database(url_of(file))
        try:
            await database.migrate()
        finally:
            await database.close()

    asyncio.run(migrate())


def migration(file: Path) -> str:
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("SELECT version_num FROM alembic_version").fetchone()[0])


def content_of(file: Path) -> list[str]:
    with closing(sqlite3.connect(file)) as connection:
        return list(connection.iterdump())


def mark_as(file: Path, number: str) -> None:
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (number,))


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A database that lacks the newest migration."""
    file = tmp_path / "farm.sqlite"
    upgrade(url_of(file))
    downgrade(url_of(file), "-1")
    return file


def test_a_start_copies_the_database_before_it_migrates_it(older: Path) -> None:
    before = migration(older)

    start(older)

    [copy] = (older.parent / FOLDER).iterdir()
    assert copy.name == f"farm-{before}.sqlite"
    assert (migration(copy), migration(older)) == (before, newest_migration())
    assert copy.stat().st_mode & 0o777 == 0o600
    assert copy.parent.stat().st_mode & 0o777 == 0o700


def test_a_new_database_and_a_migrated_one_are_not_copied(tmp_path: Path) -> None:
    file = tmp_path / "farm.sqlite"

    start(file)
    start(file)

    assert migration(file) == newest_migration()
    assert not (tmp_path / FOLDER).exists()


def test_a_database_of_a_newer_version_is_not_copied(older: Path) -> None:
    mark_as(older, "9999")

    assert copy_before_migration(older) is None
    assert not (older.parent / FOLDER).exists()


def test_the_newest_copies_are_kept_each_of_another_migration(older: Path) -> None:
    numbers = sorted(known_migrations())[-KEPT - 2 :]
    for age, number in enumerate(numbers):
        mark_as(older, number)
        copy = copy_before_migration(older)
        assert copy is not None
        os.utime(copy, (age, age))
    last = copy_before_migration(older)

    kept = sorted(file.name for file in (older.parent / FOLDER).iterdir())
    assert kept == [f"farm-{number}.sqlite" for number in numbers[-KEPT:]]
    assert last is not None
    assert last.name == kept[-1]


def test_without_room_for_the_copy_nothing_is_migrated(older: Path) -> None:
    content = content_of(older)

    with small_disk(older.parent / FOLDER, 1) as disk:
        disk.fill()
        with pytest.raises(NotCopied, match=r"was not migrated.*full.*Nothing was changed"):
            start(older)
        left = [file.name for file in disk.folder.iterdir() if file.name != "filler"]

    assert left == []
    assert content_of(older) == content


def test_without_room_for_the_migration_it_is_a_sentence_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk", 8) as disk:
        file = disk.folder / "farm.sqlite"
        upgrade(url_of(file))
        downgrade(url_of(file), "-1")
        before = migration(file)

        def copy_and_fill(database: Path) -> None:
            copy_before_migration(database)
            disk.fill()

        with monkeypatch.context() as patched:
            patched.setattr(engine, "copy_before_migration", copy_and_fill)
            with pytest.raises(DatabaseFull, match=r"was not migrated: .*full\. Nothing was"):
                start(file)
        disk.clear()
        after = migration(file)
        start(file)

        assert after == before
        assert migration(file) == newest_migration()
