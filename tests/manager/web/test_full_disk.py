"""A full disk at the manager: writes are refused with a sentence, reads go on, all recovers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from manager_api.database import events
from manager_api.database.engine import Session
from manager_api.settings.model import ManagerSettings
from tests.farm.small_disk import SmallDisk, small_disk
from tests.manager.api_calls import Submit
from tests.manager.stand_in_farm import Farm

#: Seconds. Old events are pruned ten times in this time.
EVENTS_KEPT_S = 0.5


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_mb=8) as disk:
        yield disk


@pytest.fixture
def settings(disk: SmallDisk) -> ManagerSettings:
    return ManagerSettings(data_dir=disk.folder / "data", events_kept_s=EVENTS_KEPT_S)


async def test_a_full_disk_is_a_sentence_and_reads_go_on(
    disk: SmallDisk, api: httpx.AsyncClient, submit: Submit, echo_job: dict[str, Any]
) -> None:
    job_id = (await submit())["id"]
    disk.fill()

    answers = [
        await api.post("/api/v3/jobs", json=echo_job),
        await api.post("/api/v3/worker-mgt/tags", json={"name": "north"}),
    ]
    read = await api.get(f"/api/v3/jobs/{job_id}")

    for answer in answers:
        assert answer.status_code == 507
        assert "nothing was stored" in answer.json()["message"]
    assert read.status_code == 200
    disk.clear()
    assert (await api.post("/api/v3/jobs", json=echo_job)).status_code == 200


async def test_events_are_told_and_pruned_again_when_there_is_room(
    disk: SmallDisk,
    farm: Farm,
    submit: Submit,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    prunings = 0

    async def counted(session: Session, before: datetime) -> int:
        nonlocal prunings
        prunings += 1
        return await prune(session, before)

    prune = events.prune
    monkeypatch.setattr(events, "prune", counted)
    await submit()
    disk.fill()
    tried = prunings
    async with asyncio.timeout(60):
        while prunings < tried + 2:  # noqa: ASYNC110 - no event tells of a pruning
            await asyncio.sleep(0.01)
    disk.clear()

    before = farm.parts.events.newest
    await submit()

    async with asyncio.timeout(60):
        while farm.parts.events.newest == before or await farm.told("/jobs"):  # noqa: ASYNC110 - likewise
            await asyncio.sleep(0.01)
    assert "broke off" not in caplog.text
