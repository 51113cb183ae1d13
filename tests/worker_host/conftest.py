"""A run table on a directory of the test's, with times that suit a test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.worker_host.farmhouse import Farmhouse
from worker_host.run_table import RunTable


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Farmhouse]:
    farmhouse = Farmhouse(tmp_path / "runs")
    yield farmhouse
    await farmhouse.close()


@pytest.fixture
async def table(house: Farmhouse) -> RunTable:
    return await house.open()
