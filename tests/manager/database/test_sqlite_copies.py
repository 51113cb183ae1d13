"""A copy has the moment that was fixed, whatever is written while it is made."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from manager_api.database.sqlite_copies import begin_reading, copy_database, migration_of, opened

ROWS = 20_000


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database of several megabytes that another program has open."""
    path = tmp_path / "farm.sqlite"
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("CREATE TABLE tasks (log TEXT)")
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO tasks VALUES (?)", [("x" * 400,)] * ROWS)
        connection.execute("COMMIT")
        yield path


def test_what_is_written_while_it_is_copied_is_not_in_the_copy(
    database: Path, tmp_path: Path
) -> None:
    told: list[int] = []

    def write(size: int) -> None:
        told.append(size)
        with closing(sqlite3.connect(database, timeout=0)) as writer, writer:
            writer.execute("DELETE FROM tasks WHERE rowid % 3 = 0")
            writer.execute("INSERT INTO tasks VALUES ('later')")

    with closing(opened(database, wait_s=1)) as source:
        begin_reading(source)
        copy_database(source, tmp_path / "copy", write)

    assert len(told) > 1
    assert sum(told) == (tmp_path / "copy").stat().st_size
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*), min(log) FROM tasks").fetchone() == (ROWS, "x" * 400)
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_a_file_that_is_there_is_not_overwritten(database: Path, tmp_path: Path) -> None:
    (tmp_path / "copy").write_text("other")

    with closing(opened(database, wait_s=1)) as source, pytest.raises(FileExistsError):
        copy_database(source, tmp_path / "copy")

    assert (tmp_path / "copy").read_text() == "other"


def test_a_database_that_does_not_exist_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(sqlite3.OperationalError):
        opened(tmp_path / "none", wait_s=0)

    assert list(tmp_path.iterdir()) == []


def test_a_database_without_migrations_has_no_number(database: Path) -> None:
    with closing(opened(database, wait_s=1)) as connection:
        assert migration_of(connection) == ""
