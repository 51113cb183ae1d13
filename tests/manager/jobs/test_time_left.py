"""How long active jobs still take: what the manager answers, and what it reads for that."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import LeaseRow, LeaseState
from manager_api.jobs.pace_store import paces
from manager_api.jobs.store import existing_job
from manager_api.jobs.task_store import tasks_of_job
from manager_api.jobs.times_left import TimeLeftService
from tests.manager.api_calls import Register, Submit, TasksOf
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.domain.time_left import AtWork

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


async def told(farm: "Farm") -> dict[str, tuple[float, float]]:
    """What a manager tells that has told nothing yet."""
    jobs = (await TimeLeftService(farm.parts.database).all()).jobs
    return {each.job_id: (each.earliest_s, each.latest_s) for each in jobs}


async def test_an_active_job_is_told_with_a_range(
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    job, worker = await submit(settings=frames), await register()
    tasks = await tasks_of(job["id"])
    await at_work(farm, job, tasks, worker.id, done=20)

    earliest, latest = (await told(farm))[job["id"]]

    left = FRAME_S * (len(tasks) - 20)
    assert left / 2 < earliest <= left <= latest < left * 2


@pytest.mark.parametrize("status", [JobStatus.PAUSED, JobStatus.QUEUED, JobStatus.PAUSE_REQUESTED])
async def test_nothing_is_told_of_a_job_that_is_not_active(
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

    assert await told(farm) == {}


async def test_nothing_is_told_before_tasks_have_completed(
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    job, worker = await submit(settings=frames), await register()
    await at_work(farm, job, await tasks_of(job["id"]), worker.id, done=1)

    assert await told(farm) == {}


async def test_a_worker_between_two_tasks_still_counts(
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
    assert await told(farm) == {}
    lease = LeaseRow(
        id="lease", worker_id=worker.id, session=1, slot=0, generation=1, job_id=job["id"], run=1
    )
    lease.state, lease.epoch, lease.changed = LeaseState.HELD, 1, utc_now()
    async with farm.parts.database.writing() as session:
        session.add(lease)

    assert job["id"] in await told(farm)


async def test_two_jobs_of_one_worker_are_told_by_their_own_times(
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

    assert set(await told(farm)) == {first["id"], second["id"]}


async def test_the_pace_is_read_from_both_databases(
    db: Database, insert: Callable[..., Awaitable[str]], worker: Callable[..., Awaitable[str]]
) -> None:
    job_id, other, now = await insert(4), await insert(2), utc_now()
    workers = sorted([await worker(f"worker {number}") for number in range(60)])
    async with db.writing() as session:
        rows = await tasks_of_job(session, job_id)
        for number, row in enumerate(rows[:3]):
            row.worker_id, row.updated = workers[number], now
            row.started_at = now - timedelta(seconds=30 - number)
            row.ended_at = now - timedelta(seconds=number)
            row.status = TaskStatus.COMPLETED
        rows[2].status, rows[2].ended_at, rows[2].steps_completed = TaskStatus.ACTIVE, None, 4
        for each in (job_id, other):
            (await existing_job(session, each)).status = JobStatus.ACTIVE
        for number, worker_id in enumerate(workers):
            lease = LeaseRow(id=f"{number}", worker_id=worker_id, session=1, slot=0, generation=1)
            lease.job_id, lease.run, lease.state = job_id, 1, LeaseState.HELD
            lease.epoch, lease.changed = 1, now
            session.add(lease)

    async with db.reading() as session:
        found = await paces(session, now)

    pace = found[job_id]
    assert set(found) == {job_id}
    assert (pace.steps_left, pace.lent) == (40, 60)
    assert pace.at_work == [AtWork(28.0, 4, 10)]
    assert sorted(each.seconds for each in pace.done) == [28.0, 30.0]


async def test_an_answer_is_kept_for_a_moment(
    api: httpx.AsyncClient,
    farm: "Farm",
    submit: Submit,
    tasks_of: TasksOf,
    register: Register,
    frames: dict[str, Any],
) -> None:
    service = TimeLeftService(farm.parts.database, kept_s=3600.0)
    assert (await service.all()).jobs == []
    job, worker = await submit(settings=frames), await register()

    await at_work(farm, job, await tasks_of(job["id"]), worker.id, done=20)

    assert (await service.all()).jobs == []
    [told_over_http] = (await api.get(ADDRESS)).json()["jobs"]
    assert told_over_http["job_id"] == job["id"]
