"""Why jobs wait, as the keeper stores it, and as lists and events say it."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from activities.keeping import Superseded
from manager_api.contract.answers import job_answer
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, SleepScheduleRow, WorkerRow, WorkerTagRow
from manager_api.jobs import job_list
from manager_api.keeper import shortages as shortage_store
from manager_api.keeper.store import SqlKeeperStore
from workflows.domain.matchmaking import Reasons
from workflows.domain.shortages import Cause, Hindered, Shortage
from workflows.domain.statuses import JobStatus, WorkerStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]


def busy(job_id: str, *, lent: int = 0, task_type: str = "blender") -> Shortage:
    return Shortage(job_id, None, task_type, 3, lent, (Hindered(Cause.BUSY_HIGHER, 6),))


BUSY = "All 6 workers are busy with jobs of higher priority."


async def write(db: Database, *shortages: Shortage) -> bool:
    keeper = SqlKeeperStore(db)
    return await keeper.write_reasons(await keeper.next_epoch(), Reasons(shortages))


async def listed(db: Database) -> dict[str, str | None]:
    """The list's sentences, by job."""
    async with db.reading() as session:
        texts = [job_list.as_json(row, 0, job_answer) for row in await job_list.all_jobs(session)]
    return {job["id"]: job.get("waiting") for job in map(json.loads, texts)}


async def test_a_job_says_why_it_waits_until_it_does_not(
    db: Database, insert: Make, told: Told
) -> None:
    job_id, other = await insert(), await insert()
    await told()

    assert await write(db, busy(job_id))
    assert await listed(db) == {job_id: BUSY, other: None}
    assert [(payload["id"], payload["waiting"]) for _, payload in await told()] == [(job_id, BUSY)]

    await write(db, busy(job_id))
    assert await told() == [], "nothing has changed"

    await write(db)
    assert await listed(db) == {job_id: None, other: None}
    assert [payload["waiting"] for _, payload in await told()] == [""]


async def test_a_job_with_a_worker_does_not_stand_in_the_list(db: Database, insert: Make) -> None:
    job_id = await insert()

    await write(db, busy(job_id, lent=2))

    assert await listed(db) == {job_id: None}
    async with db.reading() as session:
        job = await session.get_one(JobRow, job_id)
    assert job.waits is not None
    [of_type] = job.waits["types"]
    assert (of_type["tasks"], of_type["sentence"]) == (3, BUSY)
    assert of_type["hindered"] == [{"cause": "busy-higher", "workers": 6, "names": []}]


async def test_types_with_the_same_reason_say_it_once(db: Database, insert: Make) -> None:
    job_id = await insert()

    await write(db, busy(job_id), busy(job_id, task_type="ffmpeg"))

    assert await listed(db) == {job_id: BUSY}


@pytest.mark.parametrize("change", ["paused", "deleted"])
async def test_a_job_that_was_changed_does_not_say_what_it_was(
    db: Database, insert: Make, change: str
) -> None:
    job_id = await insert()
    await write(db, busy(job_id))

    async with db.writing() as session:
        job = await session.get_one(JobRow, job_id)
        if change == "paused":
            job.status = JobStatus.PAUSED
        else:
            job.delete_requested_at = utc_now()

    assert await listed(db) == {job_id: None}


async def test_the_tag_and_the_end_of_sleep_are_named(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("gpu-02")
    async with db.writing() as session:
        session.add(WorkerTagRow(id="tag", name="bigmem"))
        today = utc_now().astimezone().weekday()
        days = ("mo", "tu", "we", "th", "fr", "sa", "su")
        session.add(SleepScheduleRow(worker_id=worker_id, is_active=True, days_of_week=days[today]))
        (await session.get_one(WorkerRow, worker_id)).status = WorkerStatus.ASLEEP

    asleep = Hindered(Cause.ASLEEP, 1, ("gpu-02",))
    await write(db, Shortage(job_id, "tag", "blender", 1, 0, (asleep,)))

    expected = 'gpu-02, the only worker with the tag "bigmem", is asleep until 00:00.'
    assert await listed(db) == {job_id: expected}


async def test_very_many_changes_are_stored_bit_by_bit(
    db: Database, insert: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shortage_store, "MOST_CHANGES", 2)
    jobs = [await insert() for _ in range(3)]
    waiting = [busy(job_id) for job_id in jobs]

    assert not await write(db, *waiting)
    assert list((await listed(db)).values()).count(BUSY) == 2
    assert await write(db, *waiting)
    assert set((await listed(db)).values()) == {BUSY}


async def test_an_older_keeper_stores_nothing(db: Database, insert: Make) -> None:
    job_id, keeper = await insert(), SqlKeeperStore(db)
    old = await keeper.next_epoch()
    await keeper.next_epoch()

    with pytest.raises(Superseded):
        await keeper.write_reasons(old, Reasons([busy(job_id)]))

    assert await listed(db) == {job_id: None}
