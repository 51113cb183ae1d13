"""Runs the migrations in `migrations/` on an empty or older database."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, event, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

MIGRATIONS = Path(__file__).parent / "migrations"
#: The lock's number. Its value does not matter, but all managers must use the same.
_MIGRATION_LOCK = 7_266_001


def upgrade(url: str, revision: str = "head") -> None:
    """Migrate the database up to a revision; several managers may do so at once.

    This blocks, and must be called in a thread without an event loop.
    """
    _run(url, lambda config: command.upgrade(config, revision))


def downgrade(url: str, revision: str = "base") -> None:
    """Migrate the database down to a revision; blocks like `upgrade`.

    At `base`, only Alembic's own empty table is left.
    """
    _run(url, lambda config: command.downgrade(config, revision))


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
