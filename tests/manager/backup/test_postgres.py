"""A database in PostgreSQL goes into a backup and comes back by PostgreSQL's own programs."""

import asyncio
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.backup.contents import Choice
from manager_api.backup.manifest import BackupRefused
from manager_api.backup.postgres import load, snapshot_of
from manager_api.backup.restoring import restore_backup
from tests.manager.backup.small_farm import NOW, Silent, SmallFarm, names_in
from tests.manager.databases import create_database

_numbers = count(1)
TOKEN = (
    "INSERT INTO join_tokens (id, secret_hash, name, tag_ids, uses_left, created, expires)"
    " VALUES ('j', 'h', 'n', '[]', 1, '2026-01-01', '2026-01-01')"
)
TAG = "INSERT INTO worker_tags (id, name, description) VALUES ('t', 'flamenco', '')"


def run(url: str, *statements: str) -> list[object]:
    """The first column of the last statement's rows."""

    async def work() -> list[object]:
        engine = create_async_engine(url, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                for statement in statements:
                    result = await connection.execute(text(statement))
                return list(result.scalars()) if result.returns_rows else []
        finally:
            await engine.dispose()

    return asyncio.run(work())


@pytest.fixture
def empty(postgres_url: str) -> str:
    return create_database(postgres_url, f"restored{next(_numbers)}")


@pytest.fixture
def backed_up(
    farm: SmallFarm,
    postgres_url: str,
    migrated_postgres: str,
    monkeypatch: pytest.MonkeyPatch,
) -> SmallFarm:
    """A farm whose database is in PostgreSQL."""
    url = create_database(postgres_url, f"backed{next(_numbers)}", migrated_postgres)
    run(url, TAG, TOKEN)
    monkeypatch.setenv("TABLAO_DATABASE", url)
    return farm


def test_a_database_comes_back_with_all_of_its_rows(
    backed_up: SmallFarm, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backed_up.back_up(tmp_path / "b")
    monkeypatch.setenv("TABLAO_DATABASE", empty)

    restore_backup(tmp_path / "b", tmp_path / "new", NOW, Silent())

    assert made.manifest.database == "postgresql"
    assert names_in(tmp_path / "b") >= {"postgresql.dump", "temporal/temporal.db"}
    assert run(empty, "SELECT name FROM worker_tags") == ["flamenco"]
    assert run(empty, "SELECT name FROM join_tokens") == ["n"]
    assert not (tmp_path / "new" / "postgresql.dump").exists()
    assert (tmp_path / "new" / "temporal" / "temporal.db").exists()


def test_without_secrets_their_tables_are_empty(
    backed_up: SmallFarm, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up.back_up(tmp_path / "b", Choice(secrets=False))
    monkeypatch.setenv("TABLAO_DATABASE", empty)

    restore_backup(tmp_path / "b", tmp_path / "new", NOW, Silent())

    assert run(empty, "SELECT name FROM worker_tags") == ["flamenco"]
    assert run(empty, "SELECT name FROM join_tokens") == []


def test_a_database_with_tables_is_not_replaced(backed_up: SmallFarm, tmp_path: Path) -> None:
    backed_up.back_up(tmp_path / "b")

    with pytest.raises(BackupRefused, match=r"has tables, .* create an empty one"):
        restore_backup(tmp_path / "b", tmp_path / "new", NOW, Silent())

    assert not (tmp_path / "new").exists()


async def test_managers_wait_only_while_the_moment_is_made(
    postgres_url: str, migrated_postgres: str, tmp_path: Path
) -> None:
    url = await asyncio.to_thread(
        create_database, postgres_url, f"backed{next(_numbers)}", migrated_postgres
    )

    async def is_writable() -> bool:
        engine = create_async_engine(url, poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                await connection.execute(text("SET LOCAL lock_timeout = '50ms'"))
                await connection.execute(text(TAG))
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) != "55P03":
                raise
            return False
        finally:
            await engine.dispose()
        return True

    async with snapshot_of(url) as (snapshot, lock):
        during = await is_writable()
        await lock.rollback()
        after = await is_writable()
        await snapshot.dump(tmp_path / "dump", ())
    empty = await asyncio.to_thread(create_database, postgres_url, f"restored{next(_numbers)}")
    await asyncio.to_thread(load, empty, tmp_path / "dump")

    assert (during, after) == (False, True)
    # What was written after the moment is not in the dump.
    assert await asyncio.to_thread(run, empty, "SELECT name FROM worker_tags") == []


def test_settings_without_a_database_are_refused(
    backed_up: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backed_up.back_up(tmp_path / "b")
    monkeypatch.delenv("TABLAO_DATABASE")

    with pytest.raises(BackupRefused, match="Name one in the variable TABLAO_DATABASE"):
        restore_backup(tmp_path / "b", tmp_path / "new", NOW, Silent())


def test_a_missing_program_is_a_sentence_with_its_package(
    backed_up: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(BackupRefused, match=r"pg_dump of PostgreSQL .* postgresql-client"):
        backed_up.back_up(tmp_path / "b")

    assert [path.name for path in tmp_path.iterdir()] == ["farm"]


def test_a_database_that_does_not_answer_is_a_sentence(
    farm: SmallFarm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TABLAO_DATABASE", "postgresql+asyncpg://u:hidden@127.0.0.1:1/farm")

    with pytest.raises(BackupRefused, match="cannot be used") as refusal:
        farm.back_up(tmp_path / "b")

    assert "hidden" not in str(refusal.value)
