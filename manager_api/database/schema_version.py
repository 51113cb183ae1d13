"""Which migration a database has, and which ones this version knows; neither loads Alembic."""

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncSession

MIGRATIONS = Path(__file__).parent / "migrations"
TABLE = "alembic_version"


class DatabaseNewer(Exception):
    """A newer version of Tablao has migrated the database, so this version must not use it."""


def known_migrations() -> frozenset[str]:
    """Return the numbers of all migrations that this version knows.

    The files begin with their numbers, as in `r0026_workers_upgrade.py`.
    """
    files = (MIGRATIONS / "versions").glob("r[0-9]*.py")
    return frozenset(file.name.removeprefix("r").partition("_")[0] for file in files)


def newest_migration() -> str:
    """Return the number of the newest migration that this version knows."""
    return max(known_migrations())


async def current_migration(session: AsyncSession) -> str:
    """Return the number of the database's newest migration."""
    return str((await session.execute(text(f"SELECT version_num FROM {TABLE}"))).scalar())


async def is_migrated(session: AsyncSession) -> bool:
    """Return whether the database has the newest migration of this version, and no other one."""
    if not await session.run_sync(lambda s: inspect(s.connection()).has_table(TABLE)):
        return False
    return await current_migration(session) == newest_migration()
