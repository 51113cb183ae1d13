"""What a workflow writes is stored once, in its order, with its events."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from manager_api.database.engine import Changed, Database
from manager_api.database.tables import JobRow, TaskRow
from manager_api.jobs import blocklist_store as blocklists
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.demands import read_demand
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.jobs.store import restart_run
from manager_api.jobs.task_table import read_compact
from workflows.domain.job.claiming import MOST_TASKS
from workflows.domain.job.encoding import TaskColumns, decode, encode
from workflows.domain.messages import (
    Demand,
    JobMoved,
    JobSnapshot,
    Limits,
    ProjectionWrite,
    TasksMoved,
    Want,
    WriteAnswer,
)
from workflows.domain.statuses import JobStatus, TaskStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]

STARTED = JobMoved(JobStatus.QUEUED, JobStatus.ACTIVE, "a task was started", refresh_tasks=False)


async def store(db: Database, job_id: str, sequence: int, **changes: Any) -> WriteAnswer:
    run = changes.pop("run", 1)
    return await SqlProjectionStore(db).store(ProjectionWrite(job_id, run, sequence, **changes))


async def job_row(db: Database, job_id: str) -> JobRow:
    async with db.reading() as session:
        row = await jobs.job(session, job_id)
    assert row is not None
    return row


async def task_rows(db: Database, job_id: str) -> list[TaskRow]:
    async with db.reading() as session:
        return list(await tasks.tasks_of_job(session, job_id))


async def claim(db: Database, job_id: str, run: int = 1) -> JobSnapshot:
    claimed = await SqlProjectionStore(db).claim(job_id, run)
    assert claimed is not None
    return claimed


def moved(indexes: str, status: TaskStatus, text: str = "", **fields: Any) -> TasksMoved:
    return TasksMoved(indexes, status, text, **fields)


# --- claims ---------------------------------------------------------------------------------------


async def test_a_claim_brings_all_that_a_run_starts_from(db: Database, insert: Make) -> None:
    job_id = await insert(3, status=JobStatus.PAUSED, priority=70)
    projection = SqlProjectionStore(db, lambda: Limits(softfail_limit=9))

    claimed = await projection.claim(job_id, 1)

    assert claimed is not None
    assert claimed == await projection.claim(job_id, 1)
    assert (claimed.status, claimed.priority) == (JobStatus.PAUSED, 70)
    assert (claimed.change, claimed.limits.softfail_limit) == (None, 9)
    columns = decode(claimed.tasks)
    assert columns == TaskColumns(
        types=["blender"] * 3,
        priorities=[50] * 3,
        depends_on=[""] * 3,
        statuses=[TaskStatus.QUEUED] * 3,
        attempts=[0] * 3,
        failures=[0] * 3,
        failed_by=[()] * 3,
    )


async def test_a_claim_stores_the_demand_with_which_the_run_begins(
    db: Database, insert: Make
) -> None:
    job_id = await insert(3)
    woken = asyncio.Event()
    db.listen(Changed.FARM, woken.set)

    claimed = await claim(db, job_id)

    demand = Demand(1, (Want("blender", 3),))
    assert (claimed.sequence, claimed.demand_version, claimed.told) == (1, 0, demand)
    row = await job_row(db, job_id)
    assert (row.sequence, read_demand(row.demand)) == (1, demand)
    assert woken.is_set()
    # Temporal may not have heard the answer.
    assert await claim(db, job_id) == claimed


async def test_a_run_that_has_written_more_than_its_claim_cannot_be_claimed(
    db: Database, insert: Make
) -> None:
    job_id = await insert()
    claimed = await claim(db, job_id)
    await store(db, job_id, claimed.sequence + 1, priority=7)

    assert await SqlProjectionStore(db).claim(job_id, 1) is None


async def test_the_claim_of_a_large_job_leaves_the_demand_to_its_workflow(
    db: Database, insert: Make
) -> None:
    job_id = await insert(MOST_TASKS + 1)

    claimed = await claim(db, job_id)

    assert (claimed.sequence, claimed.told) == (0, None)
    assert (await job_row(db, job_id)).demand is None


async def test_only_the_owning_run_can_claim(db: Database, insert: Make) -> None:
    job_id = await insert()

    assert await SqlProjectionStore(db).claim(job_id, 2) is None
    assert await SqlProjectionStore(db).claim(str(uuid4()), 1) is None


async def test_an_ended_run_cannot_be_claimed(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1, is_final=True)

    assert await SqlProjectionStore(db).claim(job_id, 1) is None


async def test_a_later_claim_knows_what_was_written(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(2), await worker()
    failed = moved("2", TaskStatus.SOFT_FAILED, attempt=1, failures=1, failed_by=(worker_id,))
    demand = Demand(4, (Want("blender", 1),))
    await store(
        db, job_id, 1, tasks=(failed,), blocked=((worker_id, "blender"),), demand=demand, priority=9
    )

    async with db.writing() as session:
        run = await restart_run(session, job_id, 1)
    assert run == 2

    claimed = await claim(db, job_id, run=run)

    columns = decode(claimed.tasks)
    assert (claimed.demand_version, claimed.priority) == (4, 9)
    assert claimed.blocked == ((worker_id, "blender"),)
    assert columns.statuses == [TaskStatus.QUEUED, TaskStatus.SOFT_FAILED]
    assert columns.failed_by == [(), (worker_id,)]
    assert (columns.attempts, columns.failures) == ([0, 1], [0, 1])


async def test_a_run_that_has_written_cannot_be_claimed_again(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1)

    assert await SqlProjectionStore(db).claim(job_id, 1) is None


# --- sequence -------------------------------------------------------------------------------------


async def test_a_repeated_write_is_stored_once(db: Database, insert: Make, told: Told) -> None:
    job_id = await insert()
    await told()

    answers = [await store(db, job_id, 1, jobs=(STARTED,)) for _ in range(3)]

    assert answers == [WriteAnswer.STORED] * 3
    assert len(await told()) == 1


async def test_another_write_of_the_same_number_is_gone(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1, jobs=(STARTED,))

    assert await store(db, job_id, 1, priority=90) is WriteAnswer.GONE
    assert (await job_row(db, job_id)).priority == 50


async def test_a_gap_asks_for_everything(db: Database, insert: Make) -> None:
    job_id = await insert()

    assert await store(db, job_id, 2, jobs=(STARTED,)) is WriteAnswer.SEND_ALL
    assert (await job_row(db, job_id)).status is JobStatus.QUEUED


async def test_a_write_of_nobodys_run_is_gone(db: Database, insert: Make) -> None:
    job_id = await insert()

    assert await store(db, job_id, 1, run=2) is WriteAnswer.GONE
    assert await store(db, str(uuid4()), 1) is WriteAnswer.GONE


async def test_a_write_from_before_is_gone_even_with_everything(db: Database, insert: Make) -> None:
    job_id = await insert(1)
    for sequence in (1, 2, 3):
        await store(db, job_id, sequence)
    compact = encode(TaskColumns(statuses=[TaskStatus.FAILED]))

    assert await store(db, job_id, 2) is WriteAnswer.GONE
    assert await store(db, job_id, 2, snapshot=compact) is WriteAnswer.GONE
    assert (await task_rows(db, job_id))[0].status is TaskStatus.QUEUED


async def test_nothing_follows_the_final_write(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1, is_final=True)

    assert await store(db, job_id, 1, is_final=True) is WriteAnswer.STORED
    assert await store(db, job_id, 2) is WriteAnswer.GONE


# --- the job --------------------------------------------------------------------------------------


async def test_a_priority_is_told_without_a_previous_status(
    db: Database, insert: Make, told: Told
) -> None:
    job_id = await insert()
    await told()

    await store(db, job_id, 1, priority=80)

    [(topic, event)] = await told()
    assert (topic, event["priority"]) == ("/jobs", 80)
    assert "previous_status" not in event


async def test_the_blocklist_is_replaced(db: Database, insert: Make, worker: Make) -> None:
    job_id, carmen, lola = await insert(), await worker("carmen"), await worker("lola")
    await store(db, job_id, 1, blocked=((carmen, "blender"),))

    await store(db, job_id, 2, blocked=((lola, "misc"), (carmen, "misc")))

    async with db.reading() as session:
        blocked = await blocklists.blocklist(session, job_id)
    assert blocked == [(carmen, "misc", "carmen"), (lola, "misc", "lola")]


async def test_an_older_demand_is_ignored(db: Database, insert: Make) -> None:
    job_id = await insert()
    await store(db, job_id, 1, demand=Demand(2, (Want("blender", 3, failed=("a",)),)))

    await store(db, job_id, 2, demand=Demand(1, (Want("blender", 9),)))

    job = await job_row(db, job_id)
    assert job.demand_version == 2
    assert job.demand is not None
    assert job.demand["wants"][0]["count"] == 3


async def test_a_demand_may_change_within_its_version_and_vanish(
    db: Database, insert: Make
) -> None:
    job_id = await insert()
    await store(db, job_id, 1, demand=Demand(2, (Want("blender", 3),)))

    await store(db, job_id, 2, demand=Demand(2))

    job = await job_row(db, job_id)
    assert (job.demand, job.demand_version) == (None, 2)


async def test_only_what_concerns_the_keeper_wakes_it(db: Database, insert: Make) -> None:
    job_id = await insert()
    woken: list[str] = []
    db.listen(Changed.FARM, lambda: woken.append("keeper"))

    await store(db, job_id, 1, tasks=(moved("1", TaskStatus.ACTIVE),))
    before = len(woken)
    await store(db, job_id, 2, demand=Demand(1, (Want("blender", 3),)))

    assert (before, len(woken)) == (0, 1)


# --- everything -----------------------------------------------------------------------------------


def whole(statuses: list[TaskStatus], worker_id: str) -> str:
    count = len(statuses)
    return encode(
        TaskColumns(
            types=["blender"] * count,
            priorities=[50] * count,
            depends_on=[""] * count,
            statuses=statuses,
            attempts=[2] * count,
            failures=[1] * count,
            failed_by=[(worker_id,)] * count,
        )
    )


async def test_everything_fits_after_any_gap(
    db: Database, insert: Make, worker: Make, told: Told
) -> None:
    job_id, worker_id = await insert(3), await worker()
    await told()
    statuses = [TaskStatus.COMPLETED, TaskStatus.ACTIVE, TaskStatus.QUEUED]
    compact = whole(statuses, worker_id)

    answer = await store(db, job_id, 7, snapshot=compact, status=JobStatus.ACTIVE, priority=8)

    rows, job = await task_rows(db, job_id), await job_row(db, job_id)
    assert answer is WriteAnswer.STORED
    assert [row.status for row in rows] == statuses
    assert [(row.attempt, row.failures, row.failed_by) for row in rows] == [(2, 1, [worker_id])] * 3
    assert [row.steps_completed for row in rows] == [10, 0, 0]
    assert (job.status, job.sequence, job.priority) == (JobStatus.ACTIVE, 7, 8)
    assert job.steps_completed == 10
    async with db.reading() as session:
        assert decode(await read_compact(session, job_id)) == decode(compact)
    last = (await told())[-1][1]
    assert (last["status"], last["refresh_tasks"]) == ("active", True)


async def test_the_write_after_everything_is_the_next_one(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(1), await worker()
    await store(db, job_id, 7, snapshot=whole([TaskStatus.ACTIVE], worker_id))

    assert await store(db, job_id, 8) is WriteAnswer.STORED
    assert await store(db, job_id, 10) is WriteAnswer.SEND_ALL
