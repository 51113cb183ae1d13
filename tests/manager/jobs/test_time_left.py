"""How long active jobs still take: what the manager answers, and what it reads for that."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.engine import utc_now
from manager_api.database.tables import LeaseRow, LeaseState
from tests.manager.api_calls import Register, Submit, TasksOf
from workflows.domain.statuses import JobStatus, TaskStatus

if TYPE_CHECKING:
    from tests.manager.stand_in_farm import Farm

ADDRESS = "/api/tablao/v1/time-left"
FRAME_S = 10.0


async def at_work(
    farm: "Farm", job: dict[str, Any], tasks: list[dict[str, Any]], worker_id: str, done: int
) -> None:
    """The worker has completed so many tasks of the job, each in ten seconds, and renders one."""
    now = utc_now()
    for number, task in enumerate(tasks[: done + 1]):
        begun = now - timedelta(seconds=FRAME_S * (done - number))
        is_done = number < done
        await farm.set_task(
            task["id"],
            status=TaskStatus.COMPLETED if is_done else TaskStatus.ACTIVE,
            worker_id=worker_id,
            steps_total=1,
            started_at=begun,
            ended_at=begun + timedelta(seconds=FRAME_S) if is_done else None,
            updated=begun,
        )
    left = {"steps_completed": done, "steps_total": len(tasks)}
    await farm.set_job(job["id"], status=JobStatus.ACTIVE, **left)


@pytest.fixture
def frames() -> dict[str, Any]:
    return {"message": "olé", "sleep_duration_seconds": 1, "sleep_repeats": 39}


async def told(api: httpx.AsyncClient) -> dict[str, tuple[float, float]]:
    jobs = (await api.get(ADDRESS)).json()["jobs"]
    return {each["job_id"]: (each["earliest_s"], each["latest_s"]) for each in jobs}


async def test_an_active_job_is_told_with_a_range(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    job, worker = await submit(settings=frames), await register()
    tasks = await tasks_of(job["id"])
    await at_work(farm, job, tasks, worker.id, done=20)

    earliest, latest = (await told(api))[job["id"]]

    left = FRAME_S * (len(tasks) - 20)
    assert left / 2 < earliest <= left <= latest < left * 2


@pytest.mark.parametrize("status", [JobStatus.PAUSED, JobStatus.QUEUED, JobStatus.PAUSE_REQUESTED])
async def test_nothing_is_told_of_a_job_that_is_not_active(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
    status: JobStatus,
) -> None:
    job, worker = await submit(settings=frames), await register()
    await at_work(farm, job, await tasks_of(job["id"]), worker.id, done=20)
    await farm.set_job(job["id"], status=status)

    assert await told(api) == {}


async def test_nothing_is_told_before_tasks_have_completed(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    job, worker = await submit(settings=frames), await register()
    await at_work(farm, job, await tasks_of(job["id"]), worker.id, done=1)

    assert await told(api) == {}


async def test_a_worker_between_two_tasks_still_counts(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    job, worker = await submit(settings=frames), await register()
    tasks = await tasks_of(job["id"])
    await at_work(farm, job, tasks, worker.id, done=20)
    await farm.set_task(tasks[20]["id"], status=TaskStatus.QUEUED)
    assert await told(api) == {}
    lease = LeaseRow(
        id="lease", worker_id=worker.id, session=1, slot=0, generation=1, job_id=job["id"], run=1
    )
    lease.state, lease.epoch, lease.changed = LeaseState.HELD, 1, utc_now()
    async with farm.parts.database.writing() as session:
        session.add(lease)

    assert job["id"] in await told(api)


async def test_two_jobs_of_one_worker_are_told_by_their_own_times(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    first, second = await submit(settings=frames), await submit(settings=frames)
    worker = await register()
    await at_work(farm, first, await tasks_of(first["id"]), worker.id, done=5)
    await at_work(farm, second, await tasks_of(second["id"]), worker.id, done=5)

    assert set(await told(api)) == {first["id"], second["id"]}
