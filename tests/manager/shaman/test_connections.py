"""Shaman towards clients that are slow, gone or answered early, and its daily duty."""

import asyncio
import hashlib
import json
import os
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from typer.testing import CliRunner

from manager_api.cli.main import app as tablao
from manager_api.settings.model import ManagerSettings
from manager_api.shaman import garbage, receiving, service
from manager_api.shaman.errors import UploadStalled
from tests.manager.api_calls import eventually
from tests.manager.shaman.files import is_there
from workflows.domain.shaman import Blob, FileStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

CONTENT = os.urandom(3_000_000)
BLOB = Blob(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
PATH = f"/api/v3/shaman/files/{BLOB.sha}/{BLOB.size}"
HEAD = (
    f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/octet-stream\r\n"
    f"content-length: {BLOB.size}\r\n"
)


async def pieces(content: bytes = CONTENT) -> AsyncIterator[bytes]:
    for start in range(0, len(content), 50_000):
        yield content[start : start + 50_000]


@pytest.fixture
async def stored(farm: "Farm") -> Path:
    await farm.parts.shaman.receive(BLOB, pieces(), may_wait=False)
    return next(farm.parts.settings.shared_storage_path.rglob("*.blob"))


async def test_what_is_stored_need_not_be_sent(served: str, stored: Path) -> None:
    assert is_there(stored)
    reader, writer = await asyncio.open_connection(*served.split(":"))

    writer.write(f"{HEAD}expect: 100-continue\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.readline(), 30)

    assert answer.startswith(b"HTTP/1.1 208")
    writer.close()


async def test_who_sends_it_nevertheless_is_answered_and_served_on(
    served: str, stored: Path
) -> None:
    assert is_there(stored)
    async with httpx.AsyncClient(base_url=f"http://{served}", timeout=60) as client:
        sent = await client.post(
            PATH, content=CONTENT, headers={"content-type": "application/octet-stream"}
        )
        checked = await client.get(PATH)

    assert (sent.status_code, checked.status_code) == (208, 200)


async def test_a_client_that_is_gone_leaves_nothing(farm: "Farm", served: str) -> None:
    shaman = farm.parts.shaman
    uploading = farm.parts.settings.shared_storage_path / "file-store/uploading"
    _, writer = await asyncio.open_connection(*served.split(":"))
    writer.write(f"{HEAD}\r\n".encode() + CONTENT[:2_000_000])

    async def status_is(status: FileStatus) -> bool:
        return (await shaman.statuses([BLOB]))[BLOB] == status

    async def nothing_is_left() -> bool:
        return not list(uploading.iterdir())

    await eventually(lambda: status_is(FileStatus.UPLOADING))
    writer.close()
    await eventually(lambda: status_is(FileStatus.UNKNOWN))
    await eventually(nothing_is_left)


async def test_a_client_that_falls_silent_holds_up_nobody_for_ever(
    farm: "Farm", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent_after_a_while() -> AsyncIterator[bytes]:
        yield CONTENT[:1_000_000]
        await asyncio.Event().wait()

    impatient = receiving.received

    def received(content: Any) -> Any:
        return impatient(content, idle_s=0.2)

    monkeypatch.setattr(service, "received", received)

    with pytest.raises(UploadStalled):
        await farm.parts.shaman.receive(BLOB, silent_after_a_while(), may_wait=False)

    assert list(farm.parts.settings.shared_storage_path.rglob("*.tmp")) == []
    assert (await farm.parts.shaman.statuses([BLOB]))[BLOB] == FileStatus.UNKNOWN


async def test_a_manager_that_stops_leaves_no_half_file(farm: "Farm") -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield CONTENT[:2_000_000]
        await asyncio.Event().wait()

    async def is_begun() -> list[Path]:
        return list(farm.parts.settings.shared_storage_path.rglob("*.tmp"))

    receiving_it = asyncio.create_task(farm.parts.shaman.receive(BLOB, endless(), may_wait=False))
    await eventually(is_begun)

    receiving_it.cancel()
    await asyncio.wait({receiving_it})

    assert receiving_it.cancelled()
    assert await is_begun() == []


async def test_garbage_is_collected_soon_after_the_start(
    farm: "Farm", stored: Path, settings: ManagerSettings
) -> None:
    settings.jobs_path.mkdir()
    os.utime(stored, (1, 1))
    shaman = farm.parts.shaman

    async def is_gone() -> bool:
        return not is_there(stored)

    collecting = asyncio.create_task(shaman.run(first_collection_s=0))
    await eventually(is_gone)
    collecting.cancel()
    await asyncio.wait({collecting})


async def test_garbage_is_collected_on_demand(
    served: str, stored: Path, settings: ManagerSettings
) -> None:
    settings.jobs_path.mkdir()
    os.utime(stored, (1, 1))

    async def tablao_shaman_gc(*arguments: str) -> str:
        arguments = ("shaman", "gc", "--manager", served, *arguments)
        return (await asyncio.to_thread(CliRunner().invoke, tablao, arguments)).output

    shown = await tablao_shaman_gc("--show")
    was_there = is_there(stored)
    done = await tablao_shaman_gc()
    as_json = await tablao_shaman_gc("--json")

    assert "Would delete 1 files, 3.0 MB." in shown
    assert was_there
    assert "Deleted 1 files, 3.0 MB." in done
    assert not is_there(stored)
    assert json.loads(as_json)["deleted_files"] == 0


async def test_requirements_are_answered_while_garbage_is_collected(
    farm: "Farm", stored: Path, settings: ManagerSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.jobs_path.mkdir()
    os.utime(stored, (1, 1))
    is_collecting, may_go_on = threading.Event(), threading.Event()

    def slowly(*arguments: Any, **named: Any) -> Any:
        is_collecting.set()
        may_go_on.wait(60)
        return garbage.collect(*arguments, **named)

    monkeypatch.setattr(service, "collect", slowly)
    collecting = asyncio.create_task(farm.parts.shaman.collect_garbage())
    await asyncio.to_thread(is_collecting.wait, 60)

    statuses = await farm.parts.shaman.statuses([BLOB])
    may_go_on.set()

    assert statuses == {BLOB: FileStatus.STORED}
    assert (await collecting).kept_recent == 1
    assert is_there(stored)
