"""The keeper's duty that deletes ended jobs, killed anywhere and in trouble."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from activities.keeping import Superseded
from manager_api.end_of_life import deletion_store as deletions
from manager_api.end_of_life.deleter import DeletionTimes, JobDeleter
from manager_api.end_of_life.job_files import JobTraces
from manager_api.images import store as last_rendered
from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Fits, Submit, TasksOf
from tests.manager.end_of_life.traces import checkouts, is_there, was_deleted
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm


class Killed(BaseException):
    """What `kill -9` is to the code it hits."""


async def test_all_traces_go_and_rendered_output_stays(
    api: httpx.AsyncClient,
    farm: "Farm",
    ended_job: Callable[..., Awaitable[str]],
    deleter: Callable[..., JobDeleter],
    epoch: int,
    fits: Fits,
) -> None:
    job_id, other = await ended_job("tablao/scene"), await ended_job("tablao/other")
    output = checkouts(farm) / "render" / "0001.png"
    output.parent.mkdir()
    output.write_bytes(b"pixels")
    async with farm.parts.database.writing() as session:
        await last_rendered.set_last_rendered(session, job_id, "/job-files", ["last-rendered.jpg"])
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
    tasks_of: TasksOf,
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
