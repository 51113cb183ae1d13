"""A manager on loopback that answers what the doctor of a render machine asks."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.worker_host.doctor.answering_manager import AnsweringManager


@pytest.fixture
async def manager(tmp_path: Path) -> AsyncIterator[AnsweringManager]:
    storage = tmp_path / "storage"
    storage.mkdir()
    manager = AnsweringManager(storage)
    await manager.start()
    yield manager
    await manager.stop()
