"""A full disk at the manager: writes are refused with a sentence, reads go on, all recovers."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest

from manager_api.database import events
from manager_api.database.engine import Session, utc_now
from manager_api.settings.model import ManagerSettings
from manager_api.settings.sections import Shaman
from tests.farm.small_disk import SmallDisk, small_disk
from tests.manager.api_calls import Submit
from tests.manager.shaman.files import SHAMAN, CheckOut, Send, spec
from tests.manager.stand_in_farm import Farm

#: Seconds. Old events are pruned ten times in this time.
EVENTS_KEPT_S = 0.5


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncIterator[SmallDisk]:
    with small_disk(tmp_path / "disk", size_mb=8) as disk:
        yield disk


@pytest.fixture
def settings(disk: SmallDisk) -> ManagerSettings:
    return ManagerSettings(
        data_dir=disk.folder / "data",
        events_kept_s=EVENTS_KEPT_S,
        shaman=Shaman(checkout="copies"),  # links need no room
    )


async def test_a_full_disk_is_a_sentence_and_reads_go_on(
    disk: SmallDisk, api: httpx.AsyncClient, submit: Submit, echo_job: dict[str, Any]
) -> None:
    job_id = (await submit())["id"]
    account = {"name": "pipeline", "role": "viewer", "is_service": True}
    made = (await api.post("/api/tablao/v1/accounts", json=account)).json()
    tokens = f"/api/tablao/v1/accounts/{made['id']}/tokens"
    token = (await api.post(tokens, json={"name": "x", "scopes": ["read"]})).json()["secret"]
    disk.fill()

    answers = [
        await api.post("/api/v3/jobs", json=echo_job),
        await api.post("/api/v3/worker-mgt/tags", json={"name": "north"}),
    ]
    read = await api.get(f"/api/v3/jobs/{job_id}")
    # That the token is used cannot be stored.
    shown = {"authorization": f"Bearer {token}"}
    read_with_token = await api.get(f"/api/v3/jobs/{job_id}", headers=shown)

    for answer in answers:
        assert answer.status_code == 507
        assert "nothing was stored" in answer.json()["message"]
    assert read.status_code == read_with_token.status_code == 200
    disk.clear()
    assert (await api.post("/api/v3/jobs", json=echo_job)).status_code == 200


async def test_shaman_says_that_its_storage_is_full(
    disk: SmallDisk, api: httpx.AsyncClient
) -> None:
    kept, new = b"kept" * 4096, b"new" * 4096
    assert (await Send(api)(kept)).status_code == 200
    disk.fill()

    sent = await Send(api)(new)
    made = await CheckOut(api)("job", spec("a.blend", kept))
    wanted = await api.post(
        f"{SHAMAN}/checkout/requirements", json={"files": [spec("a.blend", kept)]}
    )

    for answer in (sent, made):
        assert (answer.status_code, answer.json()["code"]) == (507, 507)
        assert "the shared storage cannot be used: No space left" in answer.json()["message"]
    assert wanted.json()["files"] == []
    disk.clear()
    assert (await Send(api)(new)).status_code == 200


async def test_a_log_that_cannot_name_its_worker_is_no_bug(
    disk: SmallDisk, farm: Farm, caplog: pytest.LogCaptureFixture
) -> None:
    disk.fill()

    await farm.parts.logs.assigned(str(uuid4()), str(uuid4()), 1, "w", str(uuid4()), utc_now())

    assert "could not name its worker" in caplog.text
    assert "Traceback" not in caplog.text


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
