"""Deleting workers, pausing them, and what we show of them beside Flamenco's fields."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.contract.machine import MachineStatistics
from manager_api.workers import store as workers
from tests.manager.api_calls import Fits, Register, Submit, TasksOf
from workflows.domain.asides import Aside
from workflows.domain.statuses import WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

WORKERS, OURS = "/api/v3/worker-mgt/workers", "/api/tablao/v1/workers"


# --- deletion ------------------------------------------------------------------------------------


async def test_a_deleted_worker_is_gone_and_told_of(
    api: httpx.AsyncClient, farm: "Farm", register: Register, fits: Fits
) -> None:
    carmen, paco = await register("carmen"), await register("paco")

    answer = await api.delete(f"{WORKERS}/{carmen.id}")

    assert answer.status_code == 204
    assert [w["id"] for w in (await api.get(WORKERS)).json()["workers"]] == [paco.id]
    assert [w["id"] for w in (await api.get(OURS)).json()["workers"]] == [paco.id]
    assert (await api.get(f"{WORKERS}/{carmen.id}")).status_code == 404
    [told] = await farm.told("/workers")
    fits("EventWorkerUpdate", told)
    assert (told["id"], "deleted_at" in told) == (carmen.id, True)


async def test_a_deleted_workers_credentials_are_refused_from_then_on(
    api: httpx.AsyncClient, register: Register, sign_on: dict[str, Any], fits: Fits
) -> None:
    carmen = await register()
    known = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    await api.delete(f"{WORKERS}/{carmen.id}")
    refused = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    fits("SecurityError", refused.json())
    assert (known.status_code, refused.status_code) == (200, 403)


async def test_what_a_deleted_worker_did_keeps_its_name(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, tasks_of: TasksOf
) -> None:
    carmen, job = await register("carmen"), await submit()
    task = (await tasks_of(job["id"]))[0]
    await farm.set_task(task["id"], worker_id=carmen.id)

    await api.delete(f"{WORKERS}/{carmen.id}")

    assert (await tasks_of(job["id"]))[0]["worker"]["name"] == "carmen"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", WORKERS + "/{}"),
        ("GET", OURS + "/{}"),
        ("POST", OURS + "/{}/pause"),
        ("POST", OURS + "/{}/resume"),
    ],
)
async def test_a_worker_that_is_none_is_not_found(
    api: httpx.AsyncClient, register: Register, fits: Fits, unknown_id: str, method: str, path: str
) -> None:
    carmen = await register()
    await api.delete(f"{WORKERS}/{carmen.id}")

    answers = [await api.request(method, path.format(i)) for i in (unknown_id, carmen.id, "none")]

    for answer in answers:
        fits("Error", answer.json())
    assert [answer.status_code for answer in answers] == [404, 404, 400]


# --- pausing -------------------------------------------------------------------------------------


async def test_a_paused_worker_stays_what_it_is_for_flamencos_clients(
    api: httpx.AsyncClient, farm: "Farm", register: Register, fits: Fits
) -> None:
    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)

    paused = await api.post(f"{OURS}/{carmen.id}/pause")
    again = await api.post(f"{OURS}/{carmen.id}/pause")

    assert (paused.status_code, again.status_code) == (204, 204)
    assert (await api.get(f"{OURS}/{carmen.id}")).json()["is_paused"] is True
    theirs = (await api.get(f"{WORKERS}/{carmen.id}")).json()
    fits("Worker", theirs)
    assert (theirs["status"], "status_change" in theirs) == ("awake", False)
    [told] = await farm.told("/workers")
    fits("EventWorkerUpdate", told)
    assert "is_paused" not in told


async def test_a_resumed_worker_is_paused_no_more(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    await api.post(f"{OURS}/{carmen.id}/pause")

    resumed = await api.post(f"{OURS}/{carmen.id}/resume")

    assert resumed.status_code == 204
    assert (await api.get(f"{OURS}/{carmen.id}")).json()["is_paused"] is False
    assert len(await farm.told("/workers")) == 2


async def test_a_worker_that_is_set_aside_shows_why_and_is_forgiven(
    api: httpx.AsyncClient, farm: "Farm", register: Register
) -> None:
    carmen = await register()
    async with farm.parts.database.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen.id)
        await workers.set_aside(session, row, [Aside("disk-full", "A disk is full.")])

    [aside] = (await api.get(f"{OURS}/{carmen.id}")).json()["set_aside"]
    forgiven = await api.post(f"{OURS}/{carmen.id}/forgive")

    assert (aside["reason"], aside["task_types"]) == ("A disk is full.", [])
    assert forgiven.status_code == 204
    assert (await api.get(f"{OURS}/{carmen.id}")).json()["set_aside"] == []
    assert len(await farm.told("/workers")) == 2


# --- what is shown -------------------------------------------------------------------------------


async def test_a_worker_is_shown_with_all_that_we_know(
    api: httpx.AsyncClient, farm: "Farm", register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await farm.set_worker(carmen.id, slots=3, session=7)
    tag = (await api.post("/api/v3/worker-mgt/tags", json={"name": "gpu"})).json()
    await api.post(f"{WORKERS}/{carmen.id}/settags", json={"tag_ids": [tag["id"]]})
    schedule = {"is_active": False, "days_of_week": "mo", "start_time": "", "end_time": ""}
    await api.post(f"{WORKERS}/{carmen.id}/sleep-schedule", json=schedule)

    shown = (await api.get(f"{OURS}/{carmen.id}")).json()

    last_seen, created = shown.pop("last_seen"), shown.pop("created")
    assert last_seen >= created
    assert shown == {
        "id": carmen.id,
        "name": "carmen",
        "status": "starting",
        "status_change": {"status": "awake", "is_lazy": False},
        "is_paused": False,
        "is_waiting": False,
        "is_rotating": False,
        "set_aside": [],
        "is_connected": False,
        "is_http": False,
        "slots": 3,
        "session": 7,
        "platform": "linux",
        "ip_address": "127.0.0.1",
        "version": "3.8.5",
        "can_restart": False,
        "supported_task_types": ["blender", "misc"],
        "tags": [tag],
        "sleep_schedule": schedule,
        "statistics": MachineStatistics().model_dump(),
        "tasks": [],
        "idle_reason": None,
    }
    assert (await api.get(OURS)).json()["workers"] == [
        shown | {"last_seen": last_seen, "created": created}
    ]


@pytest.mark.parametrize("status", ["testing", "error", "starting"])
async def test_words_that_no_worker_knows_are_taken_as_flamenco_takes_them(
    api: httpx.AsyncClient, farm: "Farm", register: Register, status: str
) -> None:
    # A worker of Flamenco's sleeps at them; the wish stays until somebody asks for another.
    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)

    answer = await api.post(
        f"{WORKERS}/{carmen.id}/setstatus", json={"status": status, "is_lazy": False}
    )

    assert answer.status_code == 204
    wish = (await api.get(f"{WORKERS}/{carmen.id}")).json()["status_change"]
    assert wish == {"status": status, "is_lazy": False}
