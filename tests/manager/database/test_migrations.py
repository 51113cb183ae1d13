"""Migrations make the tables that the code expects, and can be taken back."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, select, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.database.engine import Database
from manager_api.database.migrate import downgrade, upgrade
from manager_api.database.schema_version import MIGRATIONS, DatabaseNewer, newest_migration
from manager_api.database.tables import Base, JobRow, table_of

#: In a process of its own, because this one has loaded everything.
START = """
import asyncio, sys
import manager_api.main
from manager_api.database.engine import Database
asyncio.run(Database(sys.argv[1]).migrate())
print("with" if "alembic" in sys.modules else "without")
"""


def looked_at(url: str, look: Any) -> Any:
    async def run() -> Any:
        engine = create_async_engine(url, poolclass=NullPool)
        async with engine.connect() as connection:
            return await connection.run_sync(look)

    return asyncio.run(run())


def difference(connection: Connection) -> list[Any]:
    context = MigrationContext.configure(connection, opts={"compare_server_default": True})
    return list(compare_metadata(context, Base.metadata))


async def migrated(url: str) -> None:
    database = Database(url)
    try:
        await database.migrate()
    finally:
        await database.close()


def table_names(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def revisions(connection: Connection) -> tuple[str, ...]:
    return MigrationContext.configure(connection).get_current_heads()


def become_newer(connection: Connection) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    connection.commit()


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


def test_a_database_of_a_newer_version_is_refused_and_stays_as_it_is(empty_url: str) -> None:
    upgrade(empty_url)
    looked_at(empty_url, become_newer)

    with pytest.raises(DatabaseNewer, match=f"9999, and this version knows {newest_migration()}"):
        upgrade(empty_url)

    assert looked_at(empty_url, difference) == []
    assert looked_at(empty_url, revisions) == ("9999",)


def test_the_newest_migration_is_alembics_newest() -> None:
    assert newest_migration() == ScriptDirectory(str(MIGRATIONS)).get_current_head()


@pytest.mark.parametrize("revision", ["", "0001", "base"])
def test_a_start_migrates_a_database_of_any_age(empty_url: str, revision: str) -> None:
    if revision:
        upgrade(empty_url)
        downgrade(empty_url, revision)

    asyncio.run(migrated(empty_url))

    assert looked_at(empty_url, difference) == []


def test_a_start_refuses_a_database_of_a_newer_version(empty_url: str) -> None:
    upgrade(empty_url)
    looked_at(empty_url, become_newer)

    with pytest.raises(DatabaseNewer):
        asyncio.run(migrated(empty_url))


def test_a_start_with_nothing_to_migrate_does_without_alembic(empty_url: str) -> None:
    upgrade(empty_url)

    start = subprocess.run(
        [sys.executable, "-c", START, empty_url], capture_output=True, text=True, check=True
    )

    assert start.stdout.split() == ["without"]


def test_an_upgrade_counts_the_tasks_that_are_there(empty_url: str) -> None:
    upgrade(empty_url, "0016")
    rows = [("completed", ""), ("completed", "1"), ("failed", ""), ("queued", "1-3")]
    task = (
        "INSERT INTO tasks (job_id, index_in_job, id, name, task_type, priority, status, activity,"
        " commands, depends_on, steps_total, steps_completed, attempt, failures, failed_by,"
        " created, updated, started_at, ended_at) VALUES ('j', {0}, 't{0}', 'n', 'blender', 50,"
        " '{1}', '', '[]', '{2}', 4, 0, 1, 0, '[]', '2026-01-01', '2026-01-01',"
        " '2026-01-01 10:00:00', '2026-01-01 10:02:00')"
    )

    def fill(connection: Connection) -> None:
        connection.execute(
            text(
                "INSERT INTO jobs (id, name, job_type, priority, status, activity, settings,"
                " metadata, shaman_checkout_id, created, updated, steps_total, steps_completed,"
                " run, sequence, is_ended, demand_version) VALUES ('j', 'n', 't', 50, 'active',"
                " '', '{}', '{}', '', '2026-01-01', '2026-01-01', 0, 0, 1, 0, false, 0)"
            )
        )
        for index, (status, after) in enumerate(rows, 1):
            connection.execute(text(task.format(index, status, after)))
        connection.commit()

    looked_at(empty_url, fill)
    upgrade(empty_url)

    [row] = looked_at(
        empty_url, lambda each: each.execute(select(table_of(JobRow))).mappings().all()
    )
    assert row["task_counts"] == {"completed": 2, "failed": 1, "queued": 1}
    assert (row["render_ms"], row["render_steps"]) == (120_000, 4)


async def test_two_managers_may_migrate_at_once(empty_url: str) -> None:
    databases = [Database(empty_url), Database(empty_url)]

    await asyncio.gather(*(database.migrate() for database in databases))

    assert await asyncio.to_thread(looked_at, empty_url, difference) == []
    for database in databases:
        await database.close()
