"""Runs the migrations in `migrations/` on an empty or older database."""

import asyncio
from collections.abc import Callable

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from manager_api.database.schema_version import MIGRATIONS, DatabaseNewer, newest_migration

#: The lock's number. Its value does not matter, but all managers must use the same.
_MIGRATION_LOCK = 7_266_001


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database up to a revision; several managers may do so at once.

    This blocks, and must be called in a thread without an event loop.

    Raises:
        DatabaseNewer: the database has a migration that this version does not know.
    """

    def migrate(config: Config) -> None:
        _check_not_newer(config)
        command.upgrade(config, revision)

    _run(url, migrate)


def downgrade(url: str, revision: str = "base") -> None:
    """Migrate the database down to a revision; blocks like `upgrade`.

    At `base`, only Alembic's own empty table is left.
    """
    _run(url, lambda config: command.downgrade(config, revision))


def _check_not_newer(config: Config) -> None:
    context = MigrationContext.configure(config.attributes["connection"])
    known = {script.revision for script in ScriptDirectory(str(MIGRATIONS)).walk_revisions()}
    for unknown in set(context.get_current_heads()) - known:
        raise DatabaseNewer(
            f"The database was migrated by a newer version of Tablao: it has the migration "
            f"{unknown}, and this version knows {newest_migration()} as the newest. Start the "
            "newer version, or put back a backup from before the upgrade."
        )


def _run(url: str, migrate: Callable[[Config], None]) -> None:
    asyncio.run(_run_in_one_transaction(url, migrate))


async def _run_in_one_transaction(url: str, migrate: Callable[[Config], None]) -> None:
    engine = create_async_engine(url, poolclass=NullPool)
    if engine.dialect.name == "sqlite":
        _begin_for_real(engine.sync_engine)

    def work(connection: Connection) -> None:
        if connection.dialect.name == "postgresql":
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})"))
        migrate(_config(connection))

    try:
        async with engine.begin() as connection:
            await connection.run_sync(work)
    finally:
        await engine.dispose()


def _begin_for_real(engine: object) -> None:
    """Make SQLite's schema changes part of the transaction, which first waits for other writers."""

    @event.listens_for(engine, "connect")
    def prepare(connection, _record) -> None:  # type: ignore[no-untyped-def] # the driver's own
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _config(connection: Connection) -> Config:
    config = Config()
    # Alembic reads `%` in options as interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
