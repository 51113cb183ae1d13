"""submitJob, submitJobCheck."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.manager.api_calls import Fits, Submit, TasksOf

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


async def test_a_submitted_job_is_stored_told_of_and_started(
    api: httpx.AsyncClient, farm: "Farm", echo_job: dict[str, Any], fits: Fits
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job)

    job = answer.json()
    fits("Job", job)
    assert answer.status_code == 200
    assert job["status"] == "queued"
    assert job["settings"]["message"] == "olé"
    assert job["metadata"] == {"user.name": "Camarón"}
    assert job["submitter_platform"] == ""
    assert (await api.get(f"/api/v3/jobs/{job['id']}")).json() == job
    assert await farm.ordered_runs() == [(job["id"], 1)]
    [event] = await farm.told("/jobs")
    fits("EventJobUpdate", event)
    assert (event["id"], event.get("previous_status")) == (job["id"], None)


async def test_its_tasks_are_those_of_the_job_type(submit: Submit, tasks_of: TasksOf) -> None:
    job = await submit()

    tasks = await tasks_of(job["id"])

    assert [task["index_in_job"] for task in tasks] == [1, 2, 3]
    assert {task["status"] for task in tasks} == {"queued"}
    assert {task["task_type"] for task in tasks} == {"misc"}


async def test_priority_is_50_when_left_out(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> None:
    del echo_job["priority"]

    answer = await api.post("/api/v3/jobs", json=echo_job)

    assert answer.json()["priority"] == 50


async def test_a_job_may_begin_paused(submit: Submit) -> None:
    job = await submit(initial_status="paused")

    assert job["status"] == "paused"


@pytest.mark.parametrize("status", ["active", "completed", "under-construction"])
async def test_a_job_may_not_begin_in_another_status(
    api: httpx.AsyncClient, echo_job: dict[str, Any], status: str
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job | {"initial_status": status})

    assert answer.status_code == 400
    assert status in answer.json()["message"]


@pytest.mark.parametrize(
    "metadata", [{"silent_after": "soon"}, {"when_silent": "kill"}, {"longest_run": "2"}]
)
async def test_times_that_are_none_are_refused_with_a_sentence(
    api: httpx.AsyncClient, echo_job: dict[str, Any], metadata: dict[str, str]
) -> None:
    answer = await api.post("/api/v3/jobs", json={**echo_job, "metadata": metadata})

    assert answer.status_code == 400
    assert answer.json()["message"].startswith(f"the job's metadata {next(iter(metadata))}: ")


async def test_unknown_fields_pass(submit: Submit) -> None:
    job = await submit(palo="soleá")

    assert "palo" not in job


async def test_the_right_etag_is_accepted_and_another_refused(
    api: httpx.AsyncClient, echo_job: dict[str, Any], fits: Fits
) -> None:
    etag = (await api.get("/api/v3/jobs/type/echo-sleep-test")).json()["etag"]

    right = await api.post("/api/v3/jobs", json=echo_job | {"type_etag": etag})
    empty = await api.post("/api/v3/jobs", json=echo_job | {"type_etag": ""})
    wrong = await api.post("/api/v3/jobs", json=echo_job | {"type_etag": "soniquete"})

    assert (right.status_code, empty.status_code) == (200, 200)
    fits("Error", wrong.json())
    assert wrong.status_code == wrong.json()["code"] == 412


async def test_a_check_stores_nothing(api: httpx.AsyncClient, echo_job: dict[str, Any]) -> None:
    good = await api.post("/api/v3/jobs/check", json=echo_job)
    bad = await api.post("/api/v3/jobs/check", json=echo_job | {"type": "zapateado"})
    outdated = await api.post("/api/v3/jobs/check", json=echo_job | {"type_etag": "x"})

    assert (good.status_code, good.content) == (204, b"")
    assert (bad.status_code, outdated.status_code) == (400, 412)
    assert (await api.get("/api/v3/jobs")).json() == {"jobs": []}


async def test_a_shaman_checkout_is_kept(submit: Submit) -> None:
    job = await submit(storage={"shaman_checkout_id": "bulería"})

    assert job["storage"] == {"shaman_checkout_id": "bulería"}


async def test_an_unknown_worker_tag_is_refused(
    api: httpx.AsyncClient, echo_job: dict[str, Any], unknown_id: str
) -> None:
    answer = await api.post("/api/v3/jobs", json=echo_job | {"worker_tag": unknown_id})

    assert answer.status_code == 400
    assert unknown_id in answer.json()["message"]
    assert (await api.get("/api/v3/jobs")).json() == {"jobs": []}
