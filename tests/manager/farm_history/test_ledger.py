"""Each end of a try is counted once in the farm's history, whatever becomes of its job."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import HistoryCauseRow, HistoryRow, JobRow, TaskRow
from manager_api.farm_history.ledger import MOST_CAUSES, OTHER_CAUSES, Ended, count_ended
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.jobs.store import restart_run
from workflows.domain.farm_history import HOUR, hour_of
from workflows.domain.messages import ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import TaskStatus

Make = Callable[..., Awaitable[str]]

COMPLETED = TasksMoved("1", TaskStatus.COMPLETED, "")
FAILED = TasksMoved("1", TaskStatus.FAILED, "Failed: no such file: /shows/a/12.blend")


async def store(db: Database, job_id: str, sequence: int, *tasks: TasksMoved, run: int = 1) -> str:
    return await SqlProjectionStore(db).store(ProjectionWrite(job_id, run, sequence, tasks=tasks))


async def started(
    db: Database, job_id: str, worker_id: str, before: timedelta, run: int = 1
) -> None:
    """Begin task 1 so long ago."""
    move = TasksMoved("1", TaskStatus.ACTIVE, "", worker_id=worker_id, attempt=1)
    assert await store(db, job_id, 1, move, run=run) is WriteAnswer.STORED
    async with db.writing() as session:
        row = await session.get_one(TaskRow, (job_id, 1))
        row.started_at = utc_now() - before


async def rows(db: Database) -> list[HistoryRow]:
    async with db.reading() as session:
        return list(await session.scalars(select(HistoryRow).order_by(HistoryRow.hour)))


async def causes(db: Database) -> dict[str, int]:
    async with db.reading() as session:
        found = await session.scalars(select(HistoryCauseRow))
        return {row.cause: row.failed for row in found}


async def test_a_completed_try_is_counted_with_its_frames_and_its_time(
    db: Database, insert: Make, worker: Make
) -> None:
    worker_id = await worker()
    job_id = await insert(metadata={"project": "soleá", "user.name": "Camarón"})
    await started(db, job_id, worker_id, timedelta(minutes=150))

    await store(db, job_id, 2, COMPLETED)

    found = await rows(db)
    now = utc_now()
    assert sum(row.busy_ms for row in found) == pytest.approx(150 * 60_000, abs=60_000)
    assert {row.busy_ms for row in found[1:-1]} == {3_600_000}
    assert {(row.project, row.person, row.worker_id) for row in found} == {
        ("soleá", "Camarón", worker_id)
    }
    assert [(row.completed, row.frames) for row in found if row.completed] == [(1, 10)]
    assert max(row.hour for row in found) in (hour_of(now), hour_of(now) - HOUR)
    assert sum(row.lost_ms for row in found) == 0


async def test_a_write_that_comes_again_is_counted_once(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id = await insert()
    await started(db, job_id, await worker(), timedelta(0))

    for _ in range(3):
        await store(db, job_id, 2, COMPLETED)

    assert [row.completed for row in await rows(db) if row.completed] == [1]


async def test_a_requeued_task_is_counted_again(db: Database, insert: Make, worker: Make) -> None:
    job_id, worker_id = await insert(), await worker()
    await started(db, job_id, worker_id, timedelta(0))
    await store(db, job_id, 2, FAILED)
    async with db.writing() as session:
        assert await restart_run(session, job_id, 1) == 2
    await started(db, job_id, worker_id, timedelta(0), run=2)

    await store(db, job_id, 2, COMPLETED, run=2)

    found = await rows(db)
    assert sum(row.failed for row in found) == 1
    assert sum(row.completed for row in found) == 1


async def test_failures_are_counted_by_their_cause_without_numbers_and_paths(
    db: Database, insert: Make, worker: Make
) -> None:
    worker_id = await worker()
    for path in ("/shows/a/12.blend", "/shows/b/7.blend"):
        job_id = await insert()
        await started(db, job_id, worker_id, timedelta(minutes=1))
        text = f"Failed: no such file: {path}"
        await store(db, job_id, 2, TasksMoved("1", TaskStatus.SOFT_FAILED, text))

    assert await causes(db) == {"no such file: …": 2}
    found = await rows(db)
    assert sum(row.failed for row in found) == 2
    assert sum(row.lost_ms for row in found) == sum(row.busy_ms for row in found) > 0


@pytest.mark.parametrize("in_bulk", [False, True])
async def test_a_try_that_is_interrupted_is_neither_completed_nor_failed(
    db: Database, insert: Make, worker: Make, in_bulk: bool
) -> None:
    job_id = await insert(3)
    await started(db, job_id, await worker(), timedelta(minutes=1))

    canceled = TasksMoved("1-3", TaskStatus.CANCELED, "Canceled", in_bulk=in_bulk)
    await store(db, job_id, 2, canceled)

    found = await rows(db)
    assert sum(row.interrupted for row in found) == 1
    assert sum(row.completed + row.failed for row in found) == 0
    assert sum(row.lost_ms for row in found) >= 60_000


async def test_history_outlives_its_job(db: Database, insert: Make, worker: Make) -> None:
    job_id = await insert()
    await started(db, job_id, await worker(), timedelta(0))
    await store(db, job_id, 2, COMPLETED)

    async with db.writing() as session:
        await session.delete(await session.get_one(JobRow, job_id))

    assert sum(row.completed for row in await rows(db)) == 1


async def test_an_hour_has_a_bounded_number_of_causes(db: Database, insert: Make) -> None:
    job_id = await insert()
    at = datetime.fromisoformat("2026-11-30T03:20+00:00")

    def ended(word: str) -> Ended:
        return Ended("misc", TaskStatus.FAILED, f"Failed: {word}", None, None, at, 1)

    words = [chr(0x4E00 + number) for number in range(MOST_CAUSES + 5)]
    for each in ([ended(word) for word in words], [ended(words[0])], [ended("new")]):
        async with db.writing() as session:
            await count_ended(session, await session.get_one(JobRow, job_id), each)

    found = await causes(db)
    assert len(found) == MOST_CAUSES + 1
    assert (found[words[0]], found[OTHER_CAUSES]) == (2, 6)


async def test_text_of_a_worker_that_cannot_be_stored_is_replaced(
    db: Database, insert: Make
) -> None:
    job_id = await insert(metadata={"project": "a" * 4000})
    bad = Ended("misc", TaskStatus.FAILED, "Failed: a\0b\ud800", None, None, utc_now(), 1)

    async with db.writing() as session:
        await count_ended(session, await session.get_one(JobRow, job_id), [bad])

    assert await causes(db) == {"a\N{REPLACEMENT CHARACTER}b?": 1}
    assert [len(row.project) for row in await rows(db)] == [255]


async def test_steps_of_other_types_are_no_frames(db: Database, insert: Make) -> None:
    job_id = await insert()
    ended = Ended("ffmpeg", TaskStatus.COMPLETED, "", None, None, utc_now(), 9)

    async with db.writing() as session:
        await count_ended(session, await session.get_one(JobRow, job_id), [ended])

    assert [(row.completed, row.frames) for row in await rows(db)] == [(1, 0)]
