"""Workers that wait to be let in, join tokens, and the end of a worker's secret."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.keeper.snapshot import farm_snapshot
from manager_api.settings.sections import Tls
from manager_api.web.app import build_app
from manager_api.workers.store import existing_worker_to_change
from tests.manager.certificates import authority_in, pin_of

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"
SECRET = "s" * 64


@pytest.fixture
async def machine(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A render machine that shows nothing."""
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


async def register(client: httpx.AsyncClient, **how: Any) -> httpx.Response:
    facts = {"name": "carmen", "secret": SECRET, "platform": "linux"}
    return await client.post(
        "/api/v3/worker/register-worker", json={**facts, "supported_task_types": ["misc"]}, **how
    )


async def sign_on(client: httpx.AsyncClient, worker: str) -> httpx.Response:
    facts = {"name": "carmen", "supported_task_types": ["misc"], "software_version": "3.8.5"}
    return await client.post("/api/v3/worker/sign-on", json=facts, auth=(worker, SECRET))


async def waits(api: httpx.AsyncClient, worker: str) -> bool:
    return bool((await api.get(f"{API}/workers/{worker}")).json()["is_waiting"])


async def lendable(farm: "Farm") -> list[str]:
    async with farm.parts.database.reading() as session:
        snapshot = await farm_snapshot(session, lambda _: True)
    return [each.id for each in snapshot.workers]


async def join_token(api: httpx.AsyncClient, **asked: Any) -> str:
    answer = await api.post(f"{API}/join-tokens", json={"name": "monday", **asked})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["secret"])


async def test_a_machine_that_shows_nothing_waits_until_it_is_let_in(
    farm: "Farm", api: httpx.AsyncClient, machine: httpx.AsyncClient
) -> None:
    worker = (await register(machine)).json()["uuid"]
    assert (await sign_on(machine, worker)).status_code == 200
    assert await waits(api, worker)
    assert await lendable(farm) == []

    admitted = await api.post(f"{API}/workers/{worker}/admit")

    assert admitted.status_code == 204
    assert not await waits(api, worker)
    assert await lendable(farm) == [worker]


async def test_a_machine_here_need_not_wait(farm: "Farm", api: httpx.AsyncClient) -> None:
    transport = httpx.ASGITransport(build_app(farm.parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as here:
        worker = (await register(here)).json()["uuid"]

    assert not await waits(api, worker)


@pytest.mark.parametrize("way", ["bearer", "user", "password"])
async def test_a_join_token_lets_in_so_many_and_no_more(
    api: httpx.AsyncClient, machine: httpx.AsyncClient, way: str
) -> None:
    tag = (await api.post("/api/v3/worker-mgt/tags", json={"name": "gpu"})).json()["id"]
    token = await join_token(api, uses=2, tag_ids=[tag])
    ways: dict[str, dict[str, Any]] = {
        "bearer": {"headers": {"authorization": f"Bearer {token}"}},
        "user": {"auth": (token, "")},
        "password": {"auth": ("x", token)},
    }
    how = ways[way]

    answers = [await register(machine, **how) for _ in range(3)]
    worker = (await api.get(f"{API}/workers/{answers[0].json()['uuid']}")).json()

    assert [each.status_code for each in answers] == [200, 200, 403]
    assert not worker["is_waiting"]
    assert [each["name"] for each in worker["tags"]] == ["gpu"]


async def test_a_join_token_comes_with_the_pin_of_the_farms_own_authority(
    farm: "Farm", api: httpx.AsyncClient
) -> None:
    files = authority_in(farm.parts.settings.data_dir / "tls", "farm.studio")
    tls = Tls(cert=str(files.certificate), key=str(files.key))
    without = (await api.post(f"{API}/join-tokens", json={"name": "x"})).json()
    configuration = farm.parts.configuration
    configuration.settings = farm.parts.settings.model_copy(update={"tls": tls})

    made = (await api.post(f"{API}/join-tokens", json={"name": "x"})).json()

    assert without["pin"] == ""
    assert made["pin"] == pin_of(files.authority)


async def test_a_join_token_ends(
    farm: "Farm", api: httpx.AsyncClient, machine: httpx.AsyncClient
) -> None:
    token = await join_token(api)
    (listed,) = (await api.get(f"{API}/join-tokens")).json()["join_tokens"]
    await api.delete(f"{API}/join-tokens/{listed['id']}")
    shown = {"authorization": f"Bearer {token}"}

    gone = await register(machine, headers=shown)
    never = await register(machine, headers={"authorization": "Bearer tablao_join_never"})

    assert [gone.status_code, never.status_code] == [403, 403]
    assert token not in str(listed)


@pytest.mark.parametrize(
    "asked",
    [
        {"uses": 0},
        {"uses": 10_001},
        {"hours": 0},
        {"name": ""},
        {"tag_ids": ["11111111-2222-4333-8444-555555555555"]},
    ],
)
async def test_a_wrong_join_token_is_refused(api: httpx.AsyncClient, asked: dict[str, Any]) -> None:
    answer = await api.post(f"{API}/join-tokens", json={"name": "x", **asked})

    assert answer.status_code == 400


async def test_a_revoked_secret_is_out_and_its_worker_may_come_again_and_wait(
    farm: "Farm", api: httpx.AsyncClient, machine: httpx.AsyncClient
) -> None:
    worker = (await register(machine)).json()["uuid"]
    await api.post(f"{API}/workers/{worker}/admit")
    await sign_on(machine, worker)

    await api.post(f"{API}/workers/{worker}/revoke")
    again = await sign_on(machine, worker)
    new = (await register(machine)).json()["uuid"]

    assert again.status_code == 403
    assert "unknown worker" in again.json()["message"]
    assert await waits(api, new)


async def test_a_connected_host_is_to_take_a_new_secret(
    farm: "Farm", connected_api: httpx.AsyncClient, machine: httpx.AsyncClient
) -> None:
    worker = (await register(machine)).json()["uuid"]

    answer = await connected_api.post(f"{API}/workers/{worker}/rotate")

    assert answer.status_code == 204
    assert (await connected_api.get(f"{API}/workers/{worker}")).json()["is_rotating"]
    (entry,) = (await connected_api.get(f"{API}/audit?action=rotateWorkerSecret")).json()["entries"]
    assert (entry["target"], entry["outcome"]) == (worker, "done")
    assert await farm.told("/internal/host-orders") == [{"order": "new secret", "worker": worker}]


async def test_a_worker_that_cannot_be_told_cannot_be_rotated(
    farm: "Farm",
    api: httpx.AsyncClient,
    connected_api: httpx.AsyncClient,
    machine: httpx.AsyncClient,
) -> None:
    worker = (await register(machine)).json()["uuid"]
    offline = await api.post(f"{API}/workers/{worker}/rotate")
    await farm.set_worker(worker, is_http=True)
    stock = await connected_api.post(f"{API}/workers/{worker}/rotate")

    assert [offline.status_code, stock.status_code] == [409, 409]
    assert "is not connected" in offline.json()["message"]
    assert "Flamenco Worker" in stock.json()["message"]
    assert "revoke its secret" in offline.json()["message"]
    assert "revoke its secret" in stock.json()["message"]
    assert not (await api.get(f"{API}/workers/{worker}")).json()["is_rotating"]


async def test_only_so_many_wait(
    monkeypatch: pytest.MonkeyPatch, api: httpx.AsyncClient, machine: httpx.AsyncClient
) -> None:
    monkeypatch.setattr("manager_api.workers.service._MOST_WAITING", 2)

    assert [(await register(machine)).status_code for _ in range(3)] == [200, 200, 429]


async def test_those_that_wait_and_have_left_make_room_the_longest_silent_first(
    farm: "Farm",
    api: httpx.AsyncClient,
    machine: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("manager_api.workers.service._MOST_WAITING", 3)
    first, second, third = [(await register(machine)).json()["uuid"] for _ in range(3)]
    await sign_on(machine, first)
    async with farm.parts.database.writing() as session:
        days = {first: 0, second: 1, third: 2}
        for each, old in days.items():
            row = await existing_worker_to_change(session, each)
            row.created = utc_now() - timedelta(days=max(old, 1))
            row.last_seen = None if old else utc_now()

    answers = [await register(machine) for _ in range(3)]

    assert [each.status_code for each in answers] == [200, 200, 429]
    listed = {each["id"] for each in (await api.get(f"{API}/workers")).json()["workers"]}
    assert listed == {first, *(each.json()["uuid"] for each in answers[:2])}
