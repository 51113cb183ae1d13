"""The manager has workers' machines looked at: who is asked, who is refused, what is kept."""

from typing import TYPE_CHECKING

import httpx

from manager_api.workers import examination_store as examinations
from manager_api.workers import store as workers
from tests.manager.api_calls import Register
from workflows.domain.doctor import broken, fine, told

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
UNKNOWN = "c0ffee00-0000-4000-8000-00000000dead"
FINDINGS = [fine("memory", "Enough is free."), broken("disk", "It is full.", "Free some space.")]


async def answered(farm: "Farm", worker_id: str) -> None:
    async with farm.parts.database.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        await examinations.store(session, row, told(FINDINGS, "1.0"))


async def test_a_machine_is_asked_and_its_report_is_shown(
    farm: "Farm", connected_api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    address = f"{API}/workers/{worker.id}/doctor"
    assert (await connected_api.get(address)).json() == {
        "asked": None,
        "told": None,
        "report": None,
    }

    answer = await connected_api.post(address)

    assert (answer.status_code, answer.content) == (204, b"")
    assert await farm.told("/internal/host-orders") == [{"order": "examine", "worker": worker.id}]
    waiting = (await connected_api.get(address)).json()
    assert waiting["asked"] is not None
    assert (waiting["told"], waiting["report"]) == (None, None)

    await answered(farm, worker.id)

    found = (await connected_api.get(address)).json()
    assert found["told"] >= found["asked"]
    assert found["report"]["state"] == "broken"
    assert [each["id"] for each in found["report"]["checks"]] == ["memory", "disk"]
    assert found["report"]["checks"][1]["advice"] == "Free some space."


async def test_the_last_report_stays_until_the_next_one_comes(
    farm: "Farm", connected_api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    address = f"{API}/workers/{worker.id}/doctor"
    await connected_api.post(address)
    await answered(farm, worker.id)

    await connected_api.post(address)

    found = (await connected_api.get(address)).json()
    assert found["told"] <= found["asked"]
    assert found["report"]["version"] == "1.0"


async def test_who_cannot_be_asked_is_refused_with_the_reason(
    farm: "Farm", api: httpx.AsyncClient, connected_api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()

    away = await api.post(f"{API}/workers/{worker.id}/doctor")
    unknown = await api.post(f"{API}/workers/{UNKNOWN}/doctor")
    unknown_report = await api.get(f"{API}/workers/{UNKNOWN}/doctor")
    await farm.set_worker(worker.id, is_http=True)
    stock = await connected_api.post(f"{API}/workers/{worker.id}/doctor")

    assert (away.status_code, unknown.status_code, unknown_report.status_code) == (409, 404, 404)
    assert "is not connected" in away.json()["message"]
    assert (stock.status_code, stock.json()["message"]) == (409, "a Flamenco Worker has no doctor")
    assert await farm.told("/internal/host-orders") == []


async def test_a_deleted_worker_has_no_report(
    connected_api: httpx.AsyncClient, register: Register
) -> None:
    worker = await register()
    await connected_api.post(f"{API}/workers/{worker.id}/doctor")
    await connected_api.delete(f"/api/v3/worker-mgt/workers/{worker.id}")

    assert (await connected_api.get(f"{API}/workers/{worker.id}/doctor")).status_code == 404
