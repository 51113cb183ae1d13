"""Ended jobs with all their traces, and the keeper's duty that deletes them."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

from manager_api.end_of_life.deleter import JobDeleter
from manager_api.end_of_life.job_files import JobTraces
from manager_api.keeper.store import SqlKeeperStore
from tests.manager.api_calls import Submit, TasksOf
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm
from tests.manager.end_of_life.traces import AT_ONCE, checkouts


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
def ended_job(farm: "Farm", submit: Submit, tasks_of: TasksOf) -> Callable[..., Awaitable[str]]:
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
