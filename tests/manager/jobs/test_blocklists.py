"""A job's blocklist: shown, and shortened, whether the job runs or has ended."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.tables import JobBlockRow
from tests.manager.api_calls import Fits, Register, Submit
from workflows.domain.statuses import JobStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

Block = Callable[..., Any]


@pytest.fixture
def block(farm: "Farm") -> Block:
    async def block(job_id: str, worker_id: str, task_type: str = "blender") -> dict[str, str]:
        entry = {"worker_id": worker_id, "task_type": task_type}
        async with farm.parts.database.writing() as session:
            session.add(JobBlockRow(job_id=job_id, **entry))
        return entry

    return block


def url(job_id: str) -> str:
    return f"/api/v3/jobs/{job_id}/blocklist"


async def remove(api: httpx.AsyncClient, job_id: str, *entries: Any) -> httpx.Response:
    return await api.request("DELETE", url(job_id), json=list(entries))


async def test_a_blocklist_is_shown_by_the_workers_names(
    api: httpx.AsyncClient, register: Register, submit: Submit, block: Block, fits: Fits
) -> None:
    paco, carmen, job = await register("paco"), await register("carmen"), await submit()
    of_paco = await block(job["id"], paco.id)
    of_carmen = await block(job["id"], carmen.id)

    answer = await api.get(url(job["id"]))

    fits("JobBlocklist", answer.json())
    expected = [of_carmen | {"worker_name": "carmen"}, of_paco | {"worker_name": "paco"}]
    assert answer.json() == expected


async def test_a_job_that_is_none_blocks_nobody(
    api: httpx.AsyncClient, submit: Submit, unknown_id: str
) -> None:
    job = await submit()

    answers = [await api.get(url(i)) for i in (job["id"], unknown_id)]

    assert [(a.status_code, a.json()) for a in answers] == [(200, []), (200, [])]
    assert (await api.get(url("bulería"))).status_code == 400


async def test_of_a_running_job_its_workflow_is_asked(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, block: Block
) -> None:
    carmen, job = await register(), await submit()
    await farm.set_job(job["id"], status=JobStatus.ACTIVE)
    entry = await block(job["id"], carmen.id)

    answer = await remove(api, job["id"], entry | {"worker_name": "carmen"})

    assert answer.status_code == 204
    [(job_id, change)] = farm.control.changes
    assert (job_id, change.unblock) == (job["id"], ((carmen.id, "blender"),))
    assert change.request_id


async def test_of_an_ended_job_the_entry_is_gone_and_nothing_is_started(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, block: Block
) -> None:
    carmen, job = await register("carmen"), await submit()
    gone = await block(job["id"], carmen.id)
    await block(job["id"], carmen.id, "ffmpeg")
    await farm.set_job(job["id"], status=JobStatus.FAILED)
    ordered = await farm.ordered_runs()

    answers = [await remove(api, job["id"], gone) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [204, 204]
    assert [entry["task_type"] for entry in (await api.get(url(job["id"]))).json()] == ["ffmpeg"]
    assert (farm.control.changes, await farm.ordered_runs()) == ([], ordered)


async def test_what_is_not_on_a_blocklist_is_removed_without_a_word(
    api: httpx.AsyncClient, submit: Submit, farm: "Farm", unknown_id: str
) -> None:
    job = await submit()
    await farm.set_job(job["id"], status=JobStatus.COMPLETED)
    entry = {"worker_id": unknown_id, "task_type": "blender"}

    answers = [await remove(api, i, entry) for i in (job["id"], unknown_id)]

    assert [answer.status_code for answer in answers] == [204, 204]


@pytest.mark.parametrize(
    "entries",
    [
        [],
        [{"worker_id": "carmen"}],
        [{"worker_id": "carmen", "task_type": 3}],
        [{"worker_id": "carmen", "task_type": "t" * 256}],
        [{"worker_id": "carmen", "task_type": "blender"}] * 1001,
        ["carmen"],
    ],
)
async def test_a_removal_that_names_no_entries_is_refused(
    api: httpx.AsyncClient, submit: Submit, entries: list[Any]
) -> None:
    job = await submit()

    answer = await remove(api, job["id"], *entries)

    assert (answer.status_code, bool(answer.json()["message"])) == (400, True)


async def test_a_removal_without_a_body_is_refused(api: httpx.AsyncClient, submit: Submit) -> None:
    job = await submit()

    assert (await api.delete(url(job["id"]))).status_code == 400


async def test_a_job_that_is_requeued_with_changes_blocks_nobody(
    api: httpx.AsyncClient, farm: "Farm", register: Register, submit: Submit, block: Block
) -> None:
    paco, job, other = await register("paco"), await submit(), await submit()
    await block(job["id"], paco.id)
    await block(other["id"], paco.id)
    await farm.set_job(job["id"], status=JobStatus.FAILED, is_ended=True)

    changed = {"settings": job["settings"] | {"message": "mended"}}
    answer = await api.post(f"/api/tablao/v1/jobs/{job['id']}/recompile", json=changed)

    assert answer.status_code == 200
    blocked = [len((await api.get(url(each["id"]))).json()) for each in (job, other)]
    assert blocked == [0, 1]
