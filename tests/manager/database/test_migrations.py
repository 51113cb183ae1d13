"""Migrations make the tables that the code expects, and can be taken back."""

import asyncio
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.database.engine import Database
from manager_api.database.migrate import downgrade, upgrade
from manager_api.database.tables import Base


def looked_at(url: str, look: Any) -> Any:
    async def run() -> Any:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(look)

    return asyncio.run(run())


def difference(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def test_an_upgraded_database_is_what_the_tables_say(empty_url: str) -> None:
    upgrade(empty_url)

    assert looked_at(empty_url, difference) == []


def test_upgrading_again_changes_nothing(empty_url: str) -> None:
    upgrade(empty_url)
    upgrade(empty_url)

    assert looked_at(empty_url, difference) == []


def test_a_downgrade_leaves_nothing_and_can_be_taken_back(empty_url: str) -> None:
    upgrade(empty_url)
    downgrade(empty_url)
    left = looked_at(empty_url, table_names)
    upgrade(empty_url)

    assert left == {"alembic_version"}
    assert looked_at(empty_url, difference) == []


async def test_two_managers_may_migrate_at_once(empty_url: str) -> None:
    databases = [Database(empty_url), Database(empty_url)]

    await asyncio.gather(*(database.migrate() for database in databases))

    assert await asyncio.to_thread(looked_at, empty_url, difference) == []
    for database in databases:
        await database.close()
