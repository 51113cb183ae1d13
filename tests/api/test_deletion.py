"""Deletion of jobs over the API, and the keeper's duty that carries it out, killed anywhere."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from activities.keeping import Superseded
from manager_api.db import deletions, jobs
from manager_api.db import farm as farm_rows
from manager_api.db.leases import SqlKeeperStore
from manager_api.errors import OrchestratorUnavailable
from manager_api.job_deleter import DeletionTimes, DoomedCanceler, JobDeleter
from manager_api.job_traces import JobTraces
from workflows.domain.messages import JobAction
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.api.conftest import Farm

Submit = Callable[..., Awaitable[dict[str, Any]]]
Tasks = Callable[[str], Awaitable[list[dict[str, Any]]]]
MASS = "/api/v3/jobs/mass-delete"
AT_ONCE = DeletionTimes(cancel_again_s=0, retry_from_s=0)


class Killed(BaseException):
    """What `kill -9` is to the code it hits."""


@pytest.fixture
def traces(farm: "Farm") -> JobTraces:
    parts = farm.parts
    return JobTraces(parts.logs, parts.last_rendered, lambda: parts.settings)


@pytest.fixture
async def epoch(farm: "Farm") -> int:
    return await SqlKeeperStore(farm.parts.database).next_epoch()


@pytest.fixture
def deleter(farm: "Farm", traces: JobTraces) -> Callable[..., JobDeleter]:
    """A keeper's deleter, as if its process had just begun."""

    def deleter(**parts: Any) -> JobDeleter:
        whole: dict[str, Any] = {
            "erase_checkout": traces.erase_checkout,
            "erase_files": traces.erase_files,
            "times": AT_ONCE,
            "tasks_at_once": 1,
        }
        return JobDeleter(farm.parts.database, **(whole | parts))

    return deleter


@pytest.fixture
def ended_job(farm: "Farm", submit: Submit, tasks_of: Tasks) -> Callable[..., Awaitable[str]]:
    """A job with a log and a Shaman checkout that has come to its end; returns its id."""

    async def ended_job(checkout: str = "", **fields: Any) -> str:
        storage = {"storage": {"shaman_checkout_id": checkout}} if checkout else {}
        job_id: str = (await submit(**storage, **fields))["id"]
        for task in await tasks_of(job_id):
            await farm.parts.logs.write_chunk(job_id, task["id"], 1, 0, b"Fra:1\n")
        if checkout:
            folder = checkouts(farm) / checkout
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "scene.blend").write_text("BLENDER")
        await farm.set_job(job_id, status=JobStatus.COMPLETED)
        return job_id

    return ended_job


def checkouts(farm: "Farm") -> Path:
    return farm.parts.settings.shared_storage_path / "jobs"


async def is_there(farm: "Farm", job_id: str) -> bool:
    async with farm.parts.database.reading() as session:
        return await jobs.job(session, job_id) is not None


async def was_deleted(farm: "Farm", job_id: str) -> int:
    """How often that was told."""
    told = await farm.told("/jobs")
    return sum(event["id"] == job_id and bool(event.get("was_deleted")) for event in told)


# --- asking ---------------------------------------------------------------------------------------


async def test_a_deletion_is_marked_and_told(
    api: httpx.AsyncClient, farm: "Farm", ended_job: Callable[..., Awaitable[str]], fits: Any
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
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: Tasks
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


# --- carrying it out ------------------------------------------------------------------------------


async def test_all_traces_go_and_rendered_output_stays(
    api: httpx.AsyncClient,
    farm: "Farm",
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    epoch: int,
    fits: Any,
) -> None:
    job_id, other = await ended_job("tablao/scene"), await ended_job("tablao/other")
    output = checkouts(farm) / "render" / "0001.png"
    output.parent.mkdir()
    output.write_bytes(b"pixels")
    async with farm.parts.database.writing() as session:
        await farm_rows.set_last_rendered(session, job_id, "/job-files", ["last-rendered.jpg"])
    await api.delete(f"/api/v3/jobs/{job_id}")

    await deleter().work_off(epoch)

    assert (await api.get(f"/api/v3/jobs/{job_id}")).status_code == 404
    assert (await api.delete(f"/api/v3/jobs/{job_id}")).status_code == 404
    assert (await api.get("/api/v3/jobs/last-rendered")).status_code == 204
    assert not farm.parts.logs.job_directory(job_id).exists()
    assert not (checkouts(farm) / "tablao/scene").exists()
    assert (checkouts(farm) / "tablao/other/scene.blend").exists()
    assert output.exists()
    assert await is_there(farm, other)
    [event] = [told for told in await farm.told("/jobs") if told.get("was_deleted")]
    assert (event["id"], event["updated"]) == (job_id, "0001-01-01T00:00:00Z")


@dataclass
class Dying:
    """Erases as `traces` does, until its process is killed."""

    traces: JobTraces
    where: str
    directory: Path
    erased: int = 0
    pieces: int = 0

    async def erase_checkout(self, checkout_id: str) -> None:
        if self.where == "before":
            raise Killed
        await self.traces.erase_checkout(checkout_id)
        if self.where == "after checkout":
            raise Killed

    async def erase_files(self, job_id: str) -> None:
        if self.where == "amid files":
            next(self.directory.iterdir()).unlink()
            raise Killed
        await self.traces.erase_files(job_id)
        self.erased += 1
        if self.where == "at end" and self.erased == 2:
            raise Killed

    async def delete_some_tasks(self, *arguments: Any) -> bool:
        if self.where == "amid rows" and self.pieces == 2:
            raise Killed
        self.pieces += 1
        return await deletions.delete_some_tasks(*arguments)


@pytest.mark.parametrize("where", ["before", "after checkout", "amid files", "amid rows", "at end"])
async def test_a_deletion_that_was_killed_anywhere_is_carried_out_by_the_next_keeper(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    traces: JobTraces,
    epoch: int,
    where: str,
) -> None:
    job_id = await ended_job("tablao/scene")
    await api.delete(f"/api/v3/jobs/{job_id}")
    directory = farm.parts.logs.job_directory(job_id)
    dying = Dying(traces, where, directory)
    faulty = deleter(
        erase_checkout=dying.erase_checkout,
        erase_files=dying.erase_files,
        delete_some_tasks=dying.delete_some_tasks,
    )

    with pytest.raises(Killed):
        await faulty.work_off(epoch)
    assert await is_there(farm, job_id) is (where != "at end")
    later = await SqlKeeperStore(farm.parts.database).next_epoch()
    await deleter().work_off(later)

    assert not await is_there(farm, job_id)
    assert not directory.exists()
    assert not (checkouts(farm) / "tablao/scene").exists()
    assert await was_deleted(farm, job_id) == 1


async def test_an_older_keeper_deletes_nothing(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    job_id = await ended_job()
    await api.delete(f"/api/v3/jobs/{job_id}")
    await SqlKeeperStore(farm.parts.database).next_epoch()

    with pytest.raises(Superseded):
        await deleter().work_off(epoch)

    assert await is_there(farm, job_id)


async def test_trouble_with_one_job_is_shown_and_tried_again_and_holds_up_no_other(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    traces: JobTraces,
    epoch: int,
) -> None:
    stuck, other = await ended_job("tablao/stuck"), await ended_job("tablao/other")
    for job_id in (stuck, other):
        await api.delete(f"/api/v3/jobs/{job_id}")
    is_full = True

    async def erase_checkout(checkout_id: str) -> None:
        if is_full and checkout_id == "tablao/stuck":
            raise PermissionError(13, "Permission denied", "scene.blend")
        await traces.erase_checkout(checkout_id)

    duty = deleter(erase_checkout=erase_checkout)
    await duty.work_off(epoch)
    await duty.work_off(epoch)

    assert not await is_there(farm, other)
    job = (await api.get(f"/api/v3/jobs/{stuck}")).json()
    assert job["activity"].startswith("It cannot be deleted yet: [Errno 13] Permission denied")
    assert farm.parts.logs.job_directory(stuck).exists()

    is_full = False
    await duty.work_off(epoch)
    assert not await is_there(farm, stuck)


async def test_a_job_in_trouble_waits_before_it_is_tried_again(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    await api.delete(f"/api/v3/jobs/{await ended_job('tablao/stuck')}")
    tries: list[str] = []

    async def erase_checkout(checkout_id: str) -> None:
        tries.append(checkout_id)
        raise OSError("the storage is away")

    duty = deleter(erase_checkout=erase_checkout, times=DeletionTimes(retry_from_s=3600))
    await duty.work_off(epoch)
    await duty.work_off(epoch)

    assert len(tries) == 1


async def test_a_checkout_that_another_job_uses_stays_until_that_goes(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    first, second = await ended_job("tablao/shared"), await ended_job("tablao/shared")

    await api.delete(f"/api/v3/jobs/{first}")
    await deleter().work_off(epoch)
    stayed = (checkouts(farm) / "tablao/shared").exists()
    await api.delete(f"/api/v3/jobs/{second}")
    await deleter().work_off(epoch)

    assert stayed
    assert not (checkouts(farm) / "tablao/shared").exists()


@pytest.mark.parametrize("checkout", ["../outside", "/etc", "tablao/../../outside"])
async def test_a_checkout_that_is_none_leads_nowhere_and_stops_nothing(
    farm: "Farm",
    api: httpx.AsyncClient,
    submit: Submit,
    deleter: Callable[..., JobDeleter],
    epoch: int,
    checkout: str,
) -> None:
    outside = farm.parts.settings.shared_storage_path / "outside"
    outside.mkdir(parents=True)
    job_id = (await submit())["id"]
    await farm.set_job(job_id, status=JobStatus.FAILED, shaman_checkout_id=checkout)
    await api.delete(f"/api/v3/jobs/{job_id}")

    await deleter().work_off(epoch)

    assert not await is_there(farm, job_id)
    assert outside.is_dir()


async def test_what_still_comes_for_a_deleted_jobs_log_is_dropped(
    farm: "Farm",
    api: httpx.AsyncClient,
    ended_job: Callable[..., Awaitable[str]],
    tasks_of: Tasks,
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    job_id = await ended_job()
    [task, *_] = await tasks_of(job_id)
    await api.delete(f"/api/v3/jobs/{job_id}")
    await deleter().work_off(epoch)

    received = await farm.parts.logs.write_chunk(job_id, task["id"], 1, 6, b"Fra:2\n")

    assert received == 12
    assert not farm.parts.logs.job_directory(job_id).exists()


# --- unfinished jobs ------------------------------------------------------------------------------


async def test_an_unfinished_job_is_canceled_first_and_deleted_when_it_has_ended(
    farm: "Farm",
    api: httpx.AsyncClient,
    submit: Submit,
    deleter: Callable[..., JobDeleter],
    epoch: int,
) -> None:
    job_id = (await submit())["id"]
    assert (await api.delete(f"/api/v3/jobs/{job_id}")).status_code == 204
    canceler = DoomedCanceler(farm.parts.database, farm.control, AT_ONCE)

    await canceler.work_off()
    await deleter().work_off(epoch)

    assert await is_there(farm, job_id)
    [(canceled, change)] = farm.control.changes
    assert (canceled, change.action) == (job_id, JobAction.CANCEL)
    await farm.set_job(job_id, status=JobStatus.CANCELED)
    await canceler.work_off()
    await deleter().work_off(epoch)
    assert not await is_there(farm, job_id)
    assert len(farm.control.changes) == 1


async def test_a_cancelation_is_tried_again_while_temporal_is_away(
    farm: "Farm", api: httpx.AsyncClient, submit: Submit
) -> None:
    job_id = (await submit())["id"]
    await api.delete(f"/api/v3/jobs/{job_id}")
    canceler = DoomedCanceler(farm.parts.database, farm.control, AT_ONCE)
    farm.control.refusal = OrchestratorUnavailable()

    await canceler.work_off()
    farm.control.refusal = None
    await canceler.work_off()

    assert [canceled for canceled, _ in farm.control.changes] == [job_id]


async def test_a_job_that_is_to_go_asks_for_no_workers(
    farm: "Farm", api: httpx.AsyncClient, submit: Submit
) -> None:
    demand = {
        "version": 1,
        "wants": [{"task_type": "misc", "count": 3, "blocked": [], "failed": []}],
    }
    stays, goes = (await submit())["id"], (await submit())["id"]
    for job_id in (stays, goes):
        await farm.set_job(job_id, demand=demand)
    await api.delete(f"/api/v3/jobs/{goes}")

    snapshot = await SqlKeeperStore(farm.parts.database).snapshot(lambda _: True)

    assert {job.id: job.demand is not None for job in snapshot.jobs} == {stays: True, goes: False}
