"""The control channel on a real database, served on loopback, and hosts that speak to it."""

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from manager_api.database.migrate import upgrade
from tests.manager.hosts.served_channel import Manager


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy."""
    path = tmp_path_factory.mktemp("hosts") / "migrated.sqlite"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
async def manager(migrated: Path, tmp_path: Path) -> AsyncIterator[Manager]:
    path = shutil.copy(migrated, tmp_path / "tablao.sqlite")
    database = Database(f"sqlite+aiosqlite:///{path}")
    manager = Manager(tmp_path, database)
    async with manager.serving():
        yield manager
    await database.close()
