"""Deletion of jobs over the API: what is marked, and what is refused."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.manager.api_calls import Fits, Submit, TasksOf
from tests.manager.end_of_life.traces import checkouts
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

MASS = "/api/v3/jobs/mass-delete"


async def test_a_deletion_is_marked_and_told(
    api: httpx.AsyncClient, farm: "Farm", ended_job: Callable[..., Awaitable[str]], fits: Fits
) -> None:
    job_id = await ended_job()

    answers = [await api.delete(f"/api/v3/jobs/{job_id}") for _ in range(2)]

    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 2
    job = (await api.get(f"/api/v3/jobs/{job_id}")).json()
    assert job["status"] == "completed"
    [event] = [told for told in await farm.told("/jobs") if "delete_requested_at" in told]
    assert event["delete_requested_at"] == job["delete_requested_at"]
    fits("EventJobUpdate", event)


@pytest.mark.parametrize(("method", "path"), [("DELETE", "{}"), ("GET", "{}/what-would-delete-do")])
async def test_unknown_and_impossible_jobs_are_refused(
    api: httpx.AsyncClient, unknown_id: str, method: str, path: str
) -> None:
    unknown = await api.request(method, f"/api/v3/jobs/{path.format(unknown_id)}")
    impossible = await api.request(method, f"/api/v3/jobs/{path.format('palmas')}")

    assert (unknown.status_code, impossible.status_code) == (404, 400)


@pytest.mark.parametrize("status", ["cancel-requested", "requeueing", "pause-requested"])
async def test_a_job_in_a_passing_status_is_not_deleted(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: str
) -> None:
    job_id = (await submit())["id"]
    await farm.set_job(job_id, status=JobStatus(status))

    answer = await api.delete(f"/api/v3/jobs/{job_id}")

    assert answer.status_code == 422
    assert status in answer.json()["message"]
    assert (await farm.job(job_id)).delete_requested_at is None


async def test_what_it_would_do_tells_of_the_checkout(
    api: httpx.AsyncClient, farm: "Farm", ended_job: Callable[..., Awaitable[str]]
) -> None:
    with_checkout, without = await ended_job("tablao/scene"), await ended_job()

    answers = [
        (await api.get(f"/api/v3/jobs/{job_id}/what-would-delete-do")).json()
        for job_id in (with_checkout, without)
    ]

    assert answers == [{"shaman_checkout": True}, {"shaman_checkout": False}]
    assert (checkouts(farm) / "tablao/scene/scene.blend").exists()


async def test_a_job_that_is_being_deleted_takes_no_action(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf
) -> None:
    running = (await submit())["id"]
    ended = (await submit())["id"]
    [task, *_] = await tasks_of(ended)
    await farm.set_job(ended, status=JobStatus.CANCELED)
    for job_id in (running, ended):
        await api.delete(f"/api/v3/jobs/{job_id}")

    requeue = {"status": "requeueing", "reason": "again"}
    answers = [
        await api.post(f"/api/v3/jobs/{ended}/setstatus", json=requeue),
        await api.post(f"/api/v3/jobs/{running}/setstatus", json={**requeue, "status": "paused"}),
        await api.post(f"/api/v3/jobs/{ended}/setpriority", json={"priority": 80}),
        await api.post(f"/api/v3/jobs/{running}/setpriority", json={"priority": 80}),
        await api.post(
            f"/api/v3/tasks/{task['id']}/setstatus", json={"status": "canceled", "reason": "no"}
        ),
    ]

    assert [answer.status_code for answer in answers] == [422] * 5
    assert farm.control.changes == []
    assert not (await farm.job(ended)).pending_change


# --- asking for many ------------------------------------------------------------------------------


async def test_many_are_deleted_up_to_the_end_of_a_second_in_any_status(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    ages = {"old": timedelta(days=-1), "same second": timedelta(0), "later": timedelta(seconds=1)}
    ids = {name: (await submit(name=name))["id"] for name in ages}
    for name, age in ages.items():
        await farm.set_job(ids[name], updated=noon + age)
    await farm.set_job(ids["old"], status=JobStatus.CANCEL_REQUESTED)

    answer = await api.request(
        "DELETE", MASS, json={"last_updated_max": "2026-05-01T14:59:59.25+03:00"}
    )

    assert (answer.status_code, answer.content) == (204, b"")
    marked = {name: bool((await farm.job(ids[name])).delete_requested_at) for name in ages}
    assert marked == {"old": True, "same second": True, "later": False}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"last_updated_max": "2020-01-01T00:00:00Z"}, 416),
        ({"last_updated_max": "9999-12-31T23:59:59.9Z"}, 204),
        ({}, 400),
        ({"last_updated_max": "yesterday"}, 400),
        ({"last_updated_max": 1_700_000_000}, 400),
        ({"last_updated_max": "2026-05-01T12:00:00"}, 400),
        ({"last_updated_max": "0001-01-01T00:00:00+14:00"}, 400),
        (None, 400),
    ],
)
async def test_a_selection_that_selects_nothing_or_is_none_is_refused(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, body: Any, status: int
) -> None:
    job_id = (await submit())["id"]

    answer = await api.request("DELETE", MASS, json=body)

    assert answer.status_code == status, answer.text
    assert bool((await farm.job(job_id)).delete_requested_at) is (status == 204)
