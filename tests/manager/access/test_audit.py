"""The audit: who did what, stored with the change or not at all."""

import json
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import func, select, update
from starlette.types import Message, Receive, Scope, Send

from manager_api.access.audit import RefusalCounter
from manager_api.database import trail
from manager_api.database.engine import utc_now
from manager_api.database.tables import AuditRow
from manager_api.database.trail import Entry
from manager_api.web.app import build_app
from manager_api.web.audit_trail import AuditTrail
from workflows.domain.access import Identity
from workflows.domain.messages import Change

if TYPE_CHECKING:
    from manager_api.database.engine import Database
    from tests.manager.stand_in_farm import Farm

API = "/api/tablao/v1"


async def entries(api: httpx.AsyncClient, **asked: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api.get(f"{API}/audit", params=asked)).json()["entries"]
    return found


@pytest.fixture
async def stranger(farm: "Farm", api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(
        build_app(farm.parts), raise_app_exceptions=False, client=("10.0.0.7", 4711)
    )
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as client:
        yield client


async def test_a_change_says_who_by_what_and_on_what(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    job = (await api.post("/api/v3/jobs", json=echo_job)).json()
    await api.delete(f"/api/v3/jobs/{job['id']}")

    deletion, submission = await entries(api)

    assert (submission["action"], deletion["action"]) == ("submitJob", "deleteJob")
    assert deletion["target"] == job["id"]
    assert deletion["via"] == "local token"
    assert deletion["address"] == "127.0.0.1"
    assert [deletion["outcome"], deletion["times"]] == ["done", 1]


async def test_a_target_has_the_name_that_it_had_then(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    job = (await api.post("/api/v3/jobs", json=echo_job)).json()
    task = (await api.get(f"/api/v3/jobs/{job['id']}/tasks")).json()["tasks"][0]
    tag = (await api.post("/api/v3/worker-mgt/tags", json={"name": "slow"})).json()["id"]
    account = {"name": "lola", "role": "artist"}
    person = (
        await api.post(f"{API}/accounts", json={**account, "password": "una clave larga"})
    ).json()
    token = {"name": "on a screen", "scopes": ["read"]}
    made = (await api.post(f"{API}/accounts/{person['id']}/tokens", json=token)).json()["token"]
    hook = {"name": "chat", "address": "https://hooks.example/x", "kinds": ["job-done"]}
    webhook = (await api.post(f"{API}/webhooks", json=hook)).json()["id"]
    renamed = {"id": tag, "name": "fast"}

    await api.post(f"{API}/tasks/{task['id']}/actions", json={"action": "cancel"})
    await api.put(f"/api/v3/worker-mgt/tag/{tag}", json=renamed)
    await api.delete(f"/api/v3/worker-mgt/tag/{tag.upper()}")
    await api.delete(f"{API}/accounts/{person['id']}/tokens/{made['id']}")
    await api.delete(f"{API}/accounts/{person['id']}")
    await api.delete(f"{API}/webhooks/{webhook}")
    await api.delete(f"/api/v3/jobs/{job['id']}")

    named = {each["action"]: each["target_name"] for each in await entries(api)}
    assert named["actOnTask"] == f"{task['name']}, {job['name']}"
    assert (named["updateWorkerTag"], named["deleteWorkerTag"]) == ("slow", "fast")
    assert named["removeTokenOfAccount"] == "lola, on a screen"
    assert (named["removeAccount"], named["deleteWebhook"]) == ("lola", "chat")
    assert (named["deleteJob"], named["submitJob"]) == (job["name"], "")


async def test_a_caller_that_is_refused_learns_no_name(
    api: httpx.AsyncClient, stranger: httpx.AsyncClient, farm: "Farm", echo_job: dict[str, Any]
) -> None:
    job = (await api.post("/api/v3/jobs", json=echo_job)).json()

    await stranger.delete(f"/api/v3/jobs/{job['id']}")
    await farm.parts.refusals.store()

    (refused,) = await entries(api, action="deleteJob")
    assert (refused["target"], refused["target_name"]) == (job["id"], "")


async def test_looking_leaves_no_entry(api: httpx.AsyncClient) -> None:
    await api.get("/api/v3/jobs")
    await api.get(f"{API}/me")

    assert await entries(api) == []


async def test_a_change_that_is_not_stored_has_no_entry_that_says_done(
    farm: "Farm", api: httpx.AsyncClient
) -> None:
    await api.post(f"{API}/jobs/11111111-2222-4333-8444-555555555555/archive")

    (entry,) = await entries(api)

    assert entry["outcome"] == "refused: HTTP 404"


async def test_a_change_of_a_workflow_has_an_entry(
    farm: "Farm", api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    job = (await api.post("/api/v3/jobs", json=echo_job)).json()
    await api.post(f"{API}/jobs/{job['id']}/actions", json={"action": "pause"})

    assert [type(change) for _, change in farm.control.changes] == [Change]
    assert [each["action"] for each in await entries(api)] == ["actOnJob", "submitJob"]


async def test_values_before_and_after_are_shown_and_secrets_are_not(
    api: httpx.AsyncClient,
) -> None:
    account = {"name": "lola", "role": "viewer", "password": "una contraseña"}
    made = (await api.post(f"{API}/accounts", json=account)).json()
    changed = {"role": "artist", "password": "otra contraseña"}
    await api.patch(f"{API}/accounts/{made['id']}", json=changed)
    await api.patch(f"{API}/configuration", json={"manager_name": "Corral"})

    of_settings, of_change, of_account = await entries(api)
    everything = (await api.get(f"{API}/audit/export")).text

    assert of_account["after"] == {"name": "lola", "kind": "person", "role": "viewer"}
    assert of_change["before"]["role"] == "viewer"
    assert of_change["after"]["role"] == "artist"
    assert of_settings["after"]["manager_name"] == "Corral"
    assert "contraseña" not in everything
    assert len([json.loads(line) for line in everything.splitlines()]) == 3


async def test_refusals_are_counted(
    farm: "Farm", api: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for _ in range(20):
        await stranger.delete("/api/v3/jobs/11111111-2222-4333-8444-555555555555")
        await stranger.post(f"{API}/login", json={"name": "lola", "password": "x"})
    await farm.parts.refusals.store()

    found = await entries(api)
    times: Counter[tuple[str, str]] = Counter()
    for each in found:
        times[each["action"], each["name"]] += each["times"]

    assert times == {("deleteJob", ""): 20, ("logIn", "lola"): 20}
    assert {each["address"] for each in found} == {"10.0.0.7"}
    # The counter stores now and then, so there may be a few more than two.
    assert len(found) < 20


async def test_an_attack_is_few_entries(farm: "Farm") -> None:
    counter = RefusalCounter(farm.parts.database, lambda: timedelta())
    for number in range(300):
        caller = Identity(name=f"name {number}")
        counter.count(Entry(caller=caller, action="logIn"), "no")
    await counter.store()

    async with farm.parts.database.reading() as session:
        count = await session.scalar(select(func.count()).select_from(AuditRow))

    assert count == 51


async def test_many_kinds_of_refusals_do_not_hide_those_of_others(farm: "Farm") -> None:
    counter = RefusalCounter(farm.parts.database, lambda: timedelta())
    counter.count(Entry(caller=Identity(name="lola"), address="10.0.0.8", action="logIn"), "no")
    for number in range(1000):
        caller = Identity(name=f"name {number}")
        counter.count(Entry(caller=caller, address="10.0.0.7", action="logIn"), "no")
    await counter.store()

    async with farm.parts.database.reading() as session:
        found = (await session.scalars(select(AuditRow).order_by(AuditRow.id))).all()

    assert (found[0].name, found[0].address) == ("lola", "10.0.0.8")
    assert (found[-1].action, found[-1].times) == ("others", 950)


async def test_an_address_is_cut_to_what_the_database_takes(db: "Database") -> None:
    counter = RefusalCounter(db, lambda: timedelta())
    counter.count(Entry(caller=Identity(name="x" * 300), address="y" * 300, action="logIn"), "no")
    await counter.store()

    async with db.reading() as session:
        (entry,) = (await session.scalars(select(AuditRow))).all()

    assert (len(entry.name), len(entry.address)) == (255, 255)


async def test_a_stranger_adds_few_entries_whatever_it_asks(
    farm: "Farm", api: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    for number in range(30):
        await stranger.post(f"{API}/logout")
        await stranger.post("/api/v3/worker/register-worker", json={"name": number})
    await farm.parts.refusals.store()

    found = await entries(api)

    assert {each["action"] for each in found} == {"registerWorker"}
    assert sum(each["times"] for each in found) == 30
    # The counter stores now and then, so there may be a few more than one.
    assert len(found) < 20


@pytest.mark.parametrize("kind", ["user", "join"])
async def test_a_token_that_does_not_count_is_a_refusal(
    farm: "Farm", api: httpx.AsyncClient, stranger: httpx.AsyncClient, kind: str
) -> None:
    answer = await stranger.post(
        "/api/v3/worker/register-worker",
        json={"name": "w", "secret": "s" * 32, "platform": "linux", "supported_task_types": []},
        headers={"authorization": f"Bearer tablao_{kind}_{'x' * 43}"},
    )
    await farm.parts.refusals.store()

    (entry,) = await entries(api)

    assert answer.status_code in (401, 403)
    assert (entry["action"], entry["address"]) == ("registerWorker", "10.0.0.7")
    assert entry["outcome"] != "done"


async def test_a_worker_that_joins_by_a_token_has_an_entry(
    api: httpx.AsyncClient, stranger: httpx.AsyncClient
) -> None:
    made = (await api.post(f"{API}/join-tokens", json={"name": "shelf 3"})).json()
    await stranger.post(
        "/api/v3/worker/register-worker",
        json={"name": "w", "secret": "s" * 32, "platform": "linux", "supported_task_types": []},
        headers={"authorization": f"Bearer {made['secret']}"},
    )

    entry = (await entries(api))[0]

    assert (entry["action"], entry["name"], entry["outcome"]) == (
        "registerWorker",
        "a join token",
        "done",
    )
    assert entry["after"]["worker"] == "w"


async def test_pages_are_read_one_after_the_other(api: httpx.AsyncClient) -> None:
    for number in range(5):
        await api.post("/api/v3/worker-mgt/tags", json={"name": f"tag {number}"})

    first = (await api.get(f"{API}/audit", params={"limit": 3})).json()
    last = await entries(api, limit=3, before=first["entries"][-1]["id"])

    assert first["has_more"]
    assert len(last) == 2
    assert await entries(api, action="deleteJob") == []


async def test_old_entries_are_removed_and_only_those(farm: "Farm", api: httpx.AsyncClient) -> None:
    for number in range(2):
        await api.post("/api/v3/worker-mgt/tags", json={"name": f"tag {number}"})
    (newer, older) = await entries(api)
    async with farm.parts.database.writing() as session:
        long_ago = utc_now() - timedelta(days=366)
        old = update(AuditRow).where(AuditRow.id == older["id"])
        await session.execute(old.values(happened=long_ago))

    await farm.parts.refusals.remove_old()

    assert [each["id"] for each in await entries(api)] == [newer["id"]]


async def test_a_change_by_a_workflow_is_in_the_audit_before_its_answer_is_sent(
    farm: "Farm",
) -> None:
    """The entry is stored last here: the change has no transaction of its own."""
    outcomes_at_answer: list[list[str]] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        entry = trail.current()
        assert entry is not None
        entry.action, entry.caller = "useTemporalUi", Identity(name="wanda")
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message: Message) -> None:
        async with farm.parts.database.reading() as session:
            found = await session.scalars(select(AuditRow.outcome))
            outcomes_at_answer.append(list(found))

    parts = farm.parts
    audited = AuditTrail(app, parts.database, parts.refusals)
    await audited({"type": "http", "method": "POST"}, receive_nothing, send)

    assert outcomes_at_answer == [["done"]]


async def receive_nothing() -> Message:
    return {"type": "http.disconnect"}
