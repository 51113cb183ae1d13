"""Workers: registration, sign-on, sign-off, and what people ask of them."""

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.manager.api_calls import Fits, Register, Submit, TasksOf
from workflows.domain.statuses import WorkerStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
REGISTRATION = {
    "name": "carmen",
    "secret": "s3cret",
    "platform": "linux",
    "supported_task_types": [" Blender ", "misc", "blender", ""],
}


async def test_registration_gives_an_id_and_tells_nobody(
    api: httpx.AsyncClient, farm: "Farm", fits: Fits
) -> None:
    answer = await api.post("/api/v3/worker/register-worker", json=REGISTRATION)

    worker = answer.json()
    fits("RegisteredWorker", worker)
    assert answer.status_code == 200
    assert (worker["status"], worker["software"]) == ("", "")
    assert worker["supported_task_types"] == ["blender", "misc"]
    assert worker["address"] == "127.0.0.1"
    assert "s3cret" not in answer.text
    assert await farm.told("/workers") == []


async def test_a_secret_that_bcrypt_would_cut_is_refused(
    api: httpx.AsyncClient, fits: Fits
) -> None:
    answer = await api.post(
        "/api/v3/worker/register-worker", json=REGISTRATION | {"secret": "x" * 73}
    )

    fits("Error", answer.json())
    assert answer.status_code == 400


@pytest.mark.parametrize("missing", REGISTRATION)
async def test_a_registration_needs_all_its_fields(api: httpx.AsyncClient, missing: str) -> None:
    incomplete = {name: value for name, value in REGISTRATION.items() if name != missing}

    answer = await api.post("/api/v3/worker/register-worker", json=incomplete)

    assert (answer.status_code, answer.json().keys()) == (400, {"message"})
    assert missing in answer.json()["message"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer abc",
        "Basic",
        "Basic !!!",
        "Basic " + base64.b64encode(b"no colon").decode(),
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Basic " + base64.b64encode(b"6ba7b810-9dad-11d1-80b4-00c04fd430c8:x").decode(),
        "Basic " + base64.b64encode(b"a\0b:" + b"x" * 100).decode(),
    ],
)
@pytest.mark.parametrize("path", ["sign-on", "sign-off"])
async def test_whoever_cannot_prove_to_be_a_worker_is_answered_403(
    api: httpx.AsyncClient, path: str, authorization: str | None, sign_on: Any, fits: Fits
) -> None:
    headers = {} if authorization is None else {"authorization": authorization}

    answer = await api.post(f"/api/v3/worker/{path}", json=sign_on, headers=headers)

    fits("SecurityError", answer.json())
    assert (answer.status_code, answer.json().keys()) == (403, {"message"})
    assert answer.json()["message"].startswith("security requirements failed: authorization failed")


async def test_a_wrong_secret_is_refused_also_after_the_right_one(
    api: httpx.AsyncClient, register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()

    right = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    wrong = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=(carmen.id, "guess"))

    assert (right.status_code, wrong.status_code) == (200, 403)


async def test_a_deleted_worker_is_refused(
    api: httpx.AsyncClient, farm: "Farm", register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await farm.set_worker(carmen.id, deleted_at=NOW)

    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    shown = await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")

    assert (answer.status_code, shown.status_code) == (403, 404)


async def test_a_worker_that_signs_on_is_told_to_be_awake(
    api: httpx.AsyncClient, farm: "Farm", register: Register, sign_on: dict[str, Any], fits: Fits
) -> None:
    carmen = await register("old name")

    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    fits("WorkerStateChange", answer.json())
    assert answer.json() == {"status_requested": "awake"}
    [event] = await farm.told("/workers")
    fits("EventWorkerUpdate", event)
    assert (event["name"], event["status"], event["version"]) == ("carmen", "starting", "3.8.5")
    worker = (await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")).json()
    assert worker["supported_task_types"] == ["blender", "misc"]


async def test_what_was_asked_of_a_worker_it_hears_at_sign_on(
    api: httpx.AsyncClient, register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await api.post(
        f"/api/v3/worker-mgt/workers/{carmen.id}/setstatus",
        json={"status": "asleep", "is_lazy": True},
    )

    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    assert answer.json() == {"status_requested": "asleep"}


async def test_a_worker_that_signs_off_resumes_what_it_was(
    api: httpx.AsyncClient, farm: "Farm", register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()
    await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)
    await farm.set_worker(carmen.id, status=WorkerStatus.ASLEEP)

    answer = await api.post("/api/v3/worker/sign-off", auth=carmen)

    assert (answer.status_code, answer.content) == (204, b"")
    worker = (await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")).json()
    assert worker["status"] == "offline"
    assert worker["status_change"] == {"status": "asleep", "is_lazy": False}
    assert (await farm.told("/workers"))[1]["status"] == "offline"


async def test_a_worker_that_was_to_shut_down_has_nothing_to_resume_but_what_it_was(
    api: httpx.AsyncClient, farm: "Farm", register: Register, sign_on: dict[str, Any]
) -> None:
    carmen = await register()
    await farm.set_worker(
        carmen.id, status=WorkerStatus.ERROR, status_requested=WorkerStatus.RESTART
    )

    await api.post("/api/v3/worker/sign-off", auth=carmen)

    worker = (await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")).json()
    assert (worker["status"], worker.get("status_change")) == ("offline", None)


async def test_workers_are_listed(api: httpx.AsyncClient, register: Register, fits: Fits) -> None:
    await register("carmen")
    await register("paco")

    answer = await api.get("/api/v3/worker-mgt/workers")

    fits("WorkerList", answer.json())
    assert [worker["name"] for worker in answer.json()["workers"]] == ["carmen", "paco"]
    assert "null" not in answer.text


async def test_a_worker_is_shown_with_its_task(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    submit: Submit,
    tasks_of: TasksOf,
    fits: Fits,
) -> None:
    carmen, job = await register(), await submit()
    task = (await tasks_of(job["id"]))[1]
    await farm.set_task(task["id"], worker_id=carmen.id)

    answer = await api.get(f"/api/v3/worker-mgt/workers/{carmen.id}")

    fits("Worker", answer.json())
    assert (answer.json()["task"]["id"], answer.json()["task"]["job_id"]) == (task["id"], job["id"])
    assert answer.json()["ip_address"] == "127.0.0.1"
    assert "tags" not in answer.json()


@pytest.mark.parametrize("is_lazy", [True, False])
async def test_a_status_can_be_asked_for_and_taken_back(
    api: httpx.AsyncClient, farm: "Farm", register: Register, is_lazy: bool
) -> None:
    carmen = await register()
    await farm.set_worker(carmen.id, status=WorkerStatus.AWAKE)
    url = f"/api/v3/worker-mgt/workers/{carmen.id}"

    asked = await api.post(f"{url}/setstatus", json={"status": "asleep", "is_lazy": is_lazy})
    pending = (await api.get(url)).json()["status_change"]
    taken_back = await api.post(f"{url}/setstatus", json={"status": "awake", "is_lazy": False})

    assert (asked.status_code, taken_back.status_code) == (204, 204)
    assert pending == {"status": "asleep", "is_lazy": is_lazy}
    assert "status_change" not in (await api.get(url)).json()
    assert len(await farm.told("/workers")) == 2


async def test_only_a_worker_that_can_restart_is_asked_to(
    api: httpx.AsyncClient, register: Register, sign_on: dict[str, Any], fits: Fits
) -> None:
    carmen = await register()
    url = f"/api/v3/worker-mgt/workers/{carmen.id}/setstatus"
    restart = {"status": "restart", "is_lazy": True}

    refused = await api.post(url, json=restart)
    await api.post("/api/v3/worker/sign-on", json=sign_on | {"can_restart": True}, auth=carmen)
    accepted = await api.post(url, json=restart)

    fits("Error", refused.json())
    assert (refused.status_code, accepted.status_code) == (412, 204)


@pytest.mark.parametrize(
    "body",
    [
        {"status": "asleep"},
        {"status": "dancing", "is_lazy": True},
        {"status": "", "is_lazy": True},
        {"status": "asleep", "is_lazy": "yes"},
    ],
)
async def test_a_request_that_does_not_fit_fails_validation(
    api: httpx.AsyncClient, register: Register, body: dict[str, Any]
) -> None:
    carmen = await register()

    answer = await api.post(f"/api/v3/worker-mgt/workers/{carmen.id}/setstatus", json=body)

    assert (answer.status_code, answer.json().keys()) == (400, {"message"})


async def test_a_busy_database_delays_a_sign_on_instead_of_failing_it(
    api: httpx.AsyncClient,
    farm: "Farm",
    register: Register,
    sign_on: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A stock worker that is answered 503 at its sign-on registers as a new worker.
    from manager_api.database.engine import DatabaseBusy
    from manager_api.workers import store as workers

    carmen, real, calls = await register(), workers.sign_on, []

    async def busy_once(*args: Any) -> Any:
        calls.append(args)
        if len(calls) == 1:
            raise DatabaseBusy("for a moment")
        return await real(*args)

    monkeypatch.setattr(workers, "sign_on", busy_once)

    answer = await api.post("/api/v3/worker/sign-on", json=sign_on, auth=carmen)

    assert (answer.status_code, len(calls)) == (200, 2)
