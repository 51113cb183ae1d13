"""What events tell a listener is no more than what the listener may read over REST."""

import asyncio
import contextlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from manager_api.contract.machine import MachineStatistics
from manager_api.database import events
from manager_api.database.payloads import HOST_ORDERS
from manager_api.web.app import ROUTERS
from tests.docs.access_table import decisions
from tests.manager.access.test_sockets import API, token_of
from tests.manager.stand_in_farm import Farm
from workflows.domain.access import Permission, Role

FLAMENCO = "/api/v3"
#: By topic, with the words of docs/events.md for its parts: where REST tells the same.
SOURCES: Mapping[str, str] = {
    "/lifecycle": f"{API}/farm",
    "/status": f"{FLAMENCO}/status",
    "/jobs": f"{API}/jobs/{{job_id}}",
    "/jobs/JOB": f"{FLAMENCO}/tasks/{{task_id}}",
    "/jobs/JOB/last-rendered": f"{FLAMENCO}/jobs/{{job_id}}/last-rendered",
    "/last-rendered": f"{FLAMENCO}/jobs/last-rendered",
    "/tasklog/TASK": f"{FLAMENCO}/tasks/{{task_id}}/logtail",
    "/workers": f"{FLAMENCO}/worker-mgt/workers/{{worker_id}}",
    "/workers/WORKER/statistics": f"{API}/workers/{{worker_id}}/statistics",
    "/views": f"{API}/views",
    "/comments": f"{API}/jobs/{{job_id}}/comments",
    "/notifications": f"{API}/notifications",
    "/provisions": f"{API}/provisions",
    "/workertags": f"{FLAMENCO}/worker-mgt/tag/{{tag_id}}",
}
#: Fields of events that say what has changed and when, and not what is.
ABOUT_THE_CHANGE = {"previous_status", "refresh_tasks", "are_overrides_changed", "updated"}


def test_the_table_has_every_topic() -> None:
    page = (Path(__file__).parents[3] / "docs" / "events.md").read_text(encoding="utf-8")
    table = page.partition("## Topics")[2].partition("\n* ")[0]
    first_cells = re.findall(r"^\| (`/.*?) \|", table, re.MULTILINE)

    assert {each for cell in first_cells for each in re.findall(r"`(.+?)`", cell)} == set(SOURCES)


@pytest.mark.parametrize("topic", SOURCES)
def test_who_may_listen_may_read_the_same(topic: str) -> None:
    routes: list[Any] = [route for router in ROUTERS for route in router.routes]
    paths = {
        route.path: route for route in routes if "GET" in (getattr(route, "methods", ()) or ())
    }
    (decided,) = decisions(paths[SOURCES[topic]].dependant)

    assert Permission.READ in decided.any_of


@pytest.fixture
async def admin(served: str, farm: Farm) -> httpx.AsyncClient:
    token = farm.parts.identities.local.token
    return httpx.AsyncClient(
        base_url=f"http://{served}", headers={"authorization": f"Bearer {token}"}
    )


async def made(admin: httpx.AsyncClient, method: str, path: str, body: Any = None) -> Any:
    answer = await admin.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json() if answer.content else None


async def happen(admin: httpx.AsyncClient, farm: Farm, job: dict[str, Any]) -> dict[str, str]:
    """Something of each stored topic that this farm can tell, and an order between managers."""
    tag = await made(admin, "POST", f"{FLAMENCO}/worker-mgt/tags", {"name": "gpu"})
    found = await made(admin, "POST", f"{FLAMENCO}/jobs", job)
    await made(admin, "POST", f"{FLAMENCO}/jobs/{found['id']}/settag", {"id": tag["id"]})
    facts = {"name": "carmen", "platform": "linux", "supported_task_types": ["misc"]}
    register = {**facts, "secret": "s" * 64}
    worker = await made(admin, "POST", f"{FLAMENCO}/worker/register-worker", register)
    await farm.set_worker(worker["uuid"], is_waiting=True)
    await made(admin, "POST", f"{API}/workers/{worker['uuid']}/admit")
    view = {"page": "jobs", "name": "secret", "query": "q=secret", "is_shared": False}
    await made(admin, "POST", f"{API}/views", {**view, "owner": "somebody"})
    environment = {"environment": {"LICENSE": "s3cret"}}
    await made(admin, "PUT", f"{API}/provisions/platform/linux", environment)
    async with farm.parts.database.writing() as session:
        events.append(session, HOST_ORDERS, {"order": "forgive", "worker": worker["uuid"]})
    tasks = (await made(admin, "GET", f"{FLAMENCO}/jobs/{found['id']}/tasks"))["tasks"]
    return {
        "job_id": found["id"],
        "task_id": tasks[0]["id"],
        "worker_id": worker["uuid"],
        "tag_id": tag["id"],
    }


async def heard(
    socket: ClientConnection, farm: Farm, ids: Mapping[str, str]
) -> list[dict[str, Any]]:
    """All events up to the newest stored one, and those of the topics that are not stored."""
    statistics = f"/workers/{ids['worker_id']}/statistics"
    await socket.send(json.dumps({"also": [statistics]}))
    found: list[dict[str, Any]] = []
    wanted = {statistics, f"/tasklog/{ids['task_id']}", "/provisions"}
    async with asyncio.timeout(60):
        while not wanted <= {each["topic"] for each in found}:
            farm.parts.events.machine_told(ids["worker_id"], MachineStatistics())
            farm.parts.events.log_grew(ids["task_id"], 1, "olé")
            # All that comes is taken: a connection with messages left takes 10 s to close.
            with contextlib.suppress(TimeoutError):
                while True:
                    found.append(json.loads(await asyncio.wait_for(socket.recv(), 0.05)))
    return found


@pytest.mark.parametrize("role", Role)
async def test_each_event_is_what_rest_says(
    served: str, farm: Farm, admin: httpx.AsyncClient, echo_job: dict[str, Any], role: Role
) -> None:
    ids = await happen(admin, farm, echo_job)
    shown = {"authorization": f"Bearer {(await token_of(admin, role))['secret']}"}
    reader = httpx.AsyncClient(base_url=f"http://{served}", headers=shown)

    async with connect(f"ws://{served}{API}/events?since=0", additional_headers=shown) as socket:
        told = await heard(socket, farm, ids)
    newest: dict[str, Any] = {each["topic"]: each["payload"] for each in told}

    assert {"/jobs", "/workers", "/workertags", "/views", "/provisions"} <= newest.keys()
    assert not [topic for topic in newest if topic.startswith("/internal")]
    assert "secret" not in json.dumps(told)
    assert "s3cret" not in json.dumps(told)
    for topic, payload in newest.items():
        source = SOURCES[_with_words(topic)].format(**ids)
        answer = await reader.get(source, params={"owner": "me"} if topic == "/views" else {})
        assert answer.is_success, (topic, source, answer.text)
        if topic in ("/jobs", "/workers", "/status"):
            facts = {name: payload[name] for name in payload.keys() - ABOUT_THE_CHANGE}
            assert facts == {name: answer.json().get(name) for name in facts}, topic
        elif topic == "/workertags":
            assert payload["tag"].items() <= {"description": "", **answer.json()}.items()


def _with_words(topic: str) -> str:
    """Return a topic with the words of docs/events.md in place of ids."""
    words = {"jobs": "JOB", "tasklog": "TASK", "workers": "WORKER"}
    parts = topic.split("/")
    if len(parts) > 2 and parts[1] in words:
        parts[2] = words[parts[1]]
    return "/".join(parts)
