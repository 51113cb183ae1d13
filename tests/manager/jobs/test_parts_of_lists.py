"""getJobTasks, and getJobs with a limit: the first rows of long lists, and the rest after them."""

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from sqlalchemy import delete

from manager_api.database.tables import JobRow
from manager_api.jobs.insertion import insert_job
from manager_api.web.tablao.jobs import MOST_JOBS, MOST_TASKS
from tests.manager.api_calls import Register, Submit, TasksOf
from tests.manager.databases import job_with
from workflows.domain.statuses import TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

SINCE = "2026-01-02T03:04:05Z"


async def of_tasks(farm: "Farm", count: int) -> str:
    """Store a job of so many tasks; return its id."""
    async with farm.parts.database.writing() as session:
        return (await insert_job(session, job_with(count))).id


async def part(
    api: httpx.AsyncClient, job_id: str, **asked: int
) -> tuple[list[dict[str, Any]], int]:
    answer = await api.get(f"/api/tablao/v1/jobs/{job_id}/tasks", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["tasks"], answer.json()["total"]


# --- tasks ----------------------------------------------------------------------------------------


async def test_a_task_is_listed_as_flamencos_list_has_it(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, tasks_of: TasksOf, register: Register
) -> None:
    job, carmen = await submit(), await register()
    [first, *_] = await tasks_of(job["id"])
    await farm.set_task(first["id"], worker_id=carmen.id)

    tasks, total = await part(api, job["id"])

    assert tasks == await tasks_of(job["id"])
    assert tasks[0]["worker"]["name"] == "carmen"
    assert total == len(tasks)


async def test_the_parts_together_are_all_tasks_in_order(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    count = MOST_TASKS + 150
    job_id = await of_tasks(farm, count)

    first, total = await part(api, job_id, limit=100)
    second, _ = await part(api, job_id, after=100)
    third, _ = await part(api, job_id, after=100 + MOST_TASKS)
    nothing, of_nothing = await part(api, job_id, after=count)

    indexes = [task["index_in_job"] for task in first + second + third]
    assert indexes == list(range(1, count + 1))
    assert [len(first), len(second), len(third)] == [100, MOST_TASKS, 50]
    assert (nothing, total, of_nothing) == ([], count, count)


async def test_a_job_without_tasks_has_an_empty_list(api: httpx.AsyncClient, farm: "Farm") -> None:
    assert await part(api, await of_tasks(farm, 0)) == ([], 0)


@pytest.mark.parametrize(
    ("status", "told"), [(TaskStatus.ACTIVE, SINCE), (TaskStatus.COMPLETED, None)]
)
async def test_only_a_task_at_work_is_stuck(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit, status: TaskStatus, told: str | None
) -> None:
    job = await submit()
    [task, *_], _ = await part(api, job["id"])
    silent_since = (await farm.job(job["id"])).created.fromisoformat(SINCE)
    await farm.set_task(task["id"], status=status, silent_since=silent_since)

    [task, *others], _ = await part(api, job["id"])

    assert task.get("silent_since") == told
    assert not any("silent_since" in each for each in others)


async def test_a_job_that_is_none_has_no_list(api: httpx.AsyncClient, unknown_id: str) -> None:
    answer = await api.get(f"/api/tablao/v1/jobs/{unknown_id}/tasks")

    assert answer.status_code == 404


async def test_a_job_that_is_deleted_between_two_parts_is_not_found(
    api: httpx.AsyncClient, farm: "Farm"
) -> None:
    job_id = await of_tasks(farm, 20)
    await part(api, job_id, limit=10)
    async with farm.parts.database.writing() as session:
        await session.execute(delete(JobRow).where(JobRow.id == job_id))

    answer = await api.get(f"/api/tablao/v1/jobs/{job_id}/tasks", params={"after": 10})

    assert answer.status_code == 404


@pytest.mark.parametrize(
    "asked", [{"limit": 0}, {"limit": MOST_TASKS + 1}, {"after": -1}, {"after": 2**32}]
)
async def test_a_part_of_tasks_has_bounds(
    api: httpx.AsyncClient, farm: "Farm", asked: dict[str, int]
) -> None:
    answer = await api.get(f"/api/tablao/v1/jobs/{await of_tasks(farm, 1)}/tasks", params=asked)

    assert answer.status_code == 400


# --- jobs -----------------------------------------------------------------------------------------


async def test_the_newest_jobs_come_with_the_number_of_all(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    jobs = [await submit(name=f"job {number}") for number in range(3)]
    async with farm.parts.database.writing() as session:
        row = await session.get_one(JobRow, jobs[2]["id"])
        row.archived_at = row.updated
    whole = (await api.get("/api/tablao/v1/jobs")).json()

    newest = (await api.get("/api/tablao/v1/jobs", params={"limit": 1})).json()

    assert newest == {"jobs": whole["jobs"][:1], "total": 2}
    assert whole["total"] == 2


async def test_the_newest_jobs_are_as_they_are_now(
    api: httpx.AsyncClient, farm: "Farm", submit: Submit
) -> None:
    job = await submit(name="before")
    await api.get("/api/tablao/v1/jobs")
    async with farm.parts.database.writing() as session:
        (await session.get_one(JobRow, job["id"])).name = "after"

    newest = (await api.get("/api/tablao/v1/jobs", params={"limit": 1})).json()

    assert [each["name"] for each in newest["jobs"]] == ["after"]


@pytest.mark.parametrize("limit", [0, MOST_JOBS + 1])
async def test_a_part_of_the_jobs_has_bounds(api: httpx.AsyncClient, limit: int) -> None:
    answer = await api.get("/api/tablao/v1/jobs", params={"limit": limit})

    assert answer.status_code == 400
