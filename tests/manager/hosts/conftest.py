"""The control channel on a real database, served on loopback, and hosts that speak to it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from tests.manager.hosts.served_channel import Manager


@pytest.fixture
async def manager(migrated_sqlite: Path, tmp_path: Path) -> AsyncIterator[Manager]:
    path = shutil.copy(migrated_sqlite, tmp_path / "tablao.sqlite")
    database = Database(f"sqlite+aiosqlite:///{path}")
    manager = Manager(tmp_path, database)
    async with manager.serving():
        yield manager
    await database.close()
