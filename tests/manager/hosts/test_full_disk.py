"""A full disk at the manager: its hosts stay connected, and what they said is stored later."""

import asyncio
import logging
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from manager_api.database.engine import Database
from tests.farm.small_disk import SmallDisk, small_disk
from tests.manager.hosts.served_channel import HELLO, Manager
from workflows.domain import control


@dataclass
class OnSmallDisk:
    manager: Manager
    disk: SmallDisk
    worker: str


@pytest.fixture
async def small(tmp_path: Path, migrated_sqlite: Path) -> AsyncIterator[OnSmallDisk]:
    with small_disk(tmp_path / "disk", size_mb=8) as disk:
        shutil.copy(migrated_sqlite, disk.folder / "tablao.sqlite")
        database = Database(f"sqlite+aiosqlite:///{disk.folder}/tablao.sqlite")
        manager = Manager(disk.folder, database)
        async with manager.serving():
            yield OnSmallDisk(manager, disk, await manager.worker())
        await database.close()


async def test_a_log_is_acknowledged_when_it_is_stored(
    small: OnSmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    manager = small.manager
    async with manager.host(small.worker) as (socket, _):
        key = await manager.running(small.worker)
        small.disk.fill()
        await manager.say(socket, control.LogPiece(str(key), 0, b"oh, a line"))
        await manager.eventually(lambda: "a log is stored later" in caplog.text)

        await manager.hosts.stop_run(small.worker, key, "it is still connected")
        assert isinstance(await manager.hear(socket), control.StopRun)
        small.disk.clear()
        async with asyncio.timeout(60):
            acknowledged = control.decode(await socket.recv())

    assert acknowledged == control.LogAck(str(key), 10)
    tail = await manager.logs.tail(key.job_id, (await manager.task(key)).id, 1)
    assert tail == "oh, a line"


async def test_a_host_that_cannot_be_admitted_is_told_to_come_again_without_a_traceback(
    small: OnSmallDisk, caplog: pytest.LogCaptureFixture
) -> None:
    small.disk.fill()
    hello = control.encode(HELLO)

    codes = [await small.manager.close_code(small.worker, hello) for _ in range(2)]

    assert codes == [1011, 1011]
    assert caplog.text.count("hosts wait for the database") == 1
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    small.disk.clear()
    async with small.manager.host(small.worker) as (_, welcome):
        assert welcome.worker_id == small.worker
