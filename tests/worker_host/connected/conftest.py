"""A manager on loopback for hosts: the real channel, logs on disk, records in memory."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.worker_host.connected.stand_in_manager import SECRET, WORKER, Farm
from worker_host.registration import Credentials


@pytest.fixture
async def farm(tmp_path: Path) -> AsyncIterator[Farm]:
    farm = Farm(tmp_path / "manager")
    await farm.start()
    yield farm
    with suppress(TimeoutError):
        await farm.stop()


@pytest.fixture
def credentials() -> Credentials:
    return Credentials(WORKER, SECRET)
