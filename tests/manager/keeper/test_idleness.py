"""Why workers are idle, as the keeper stores it, and as the list of workers says it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from manager_api.database.engine import Database
from manager_api.database.tables import WorkerRow
from manager_api.keeper import idleness
from manager_api.keeper.store import SqlKeeperStore
from manager_api.workers.farm_workers import FarmWorkerService, NoHosts
from workflows.domain.idleness import NOTHING_WAITS, Idle
from workflows.domain.matchmaking import Offer, Reasons
from workflows.domain.shortages import Cause
from workflows.domain.statuses import WorkerStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]
BLOCKED = "The tasks that wait are of jobs that have blocked it."


async def write(db: Database, *worker_ids: str) -> bool:
    keeper = SqlKeeperStore(db)
    idle = [Idle(each, (Cause.BLOCKED,)) for each in worker_ids]
    return await keeper.write_reasons(await keeper.next_epoch(), Reasons(idle=idle))


async def reasons(db: Database) -> list[str | None]:
    listed = await FarmWorkerService(db, NoHosts()).all()
    return [worker.idle_reason for worker in listed.workers]


async def change(db: Database, worker_id: str, **fields: Any) -> None:
    async with db.writing() as session:
        row = await session.get_one(WorkerRow, worker_id)
        for name, value in fields.items():
            setattr(row, name, value)


async def test_an_idle_worker_says_why_until_no_task_waits(
    db: Database, worker: Make, told: Told
) -> None:
    worker_id = await worker("ada")
    await told()
    assert await reasons(db) == [NOTHING_WAITS]

    assert await write(db, worker_id)
    assert await reasons(db) == [BLOCKED]
    assert [payload["id"] for _, payload in await told()] == [worker_id]

    await write(db, worker_id)
    assert await told() == [], "nothing has changed"

    await write(db)
    assert await reasons(db) == [NOTHING_WAITS]


@pytest.mark.parametrize(
    "fields",
    [
        {"status": WorkerStatus.ASLEEP},
        {"status_requested": WorkerStatus.ASLEEP},
        {"is_paused": True},
        {"is_waiting": True},
        {"set_aside": [{"cause": "disk-full", "reason": "x", "since": 0.0, "task_types": []}]},
    ],
)
async def test_a_worker_that_takes_no_work_is_not_idle(
    db: Database, worker: Make, fields: dict[str, Any]
) -> None:
    await change(db, await worker("ada"), **fields)

    assert await reasons(db) == [None]


async def test_a_worker_that_lacks_a_type_only_says_why_it_is_idle(
    db: Database, worker: Make
) -> None:
    aside = {"cause": "program-missing", "reason": "x", "since": 0.0, "task_types": ["ffmpeg"]}

    await change(db, await worker("ada"), set_aside=[aside])

    assert await reasons(db) == [NOTHING_WAITS]


async def test_a_worker_that_was_lent_since_is_not_idle(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("ada")
    await write(db, worker_id)
    keeper = SqlKeeperStore(db)

    await keeper.write_offers(await keeper.next_epoch(), [Offer(worker_id, 1, 0, job_id, 1)])

    assert await reasons(db) == [None]


async def test_many_are_stored_in_parts(
    db: Database, worker: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(idleness, "MOST_CHANGES", 2)
    ids = [await worker(name) for name in ("ada", "bea", "carl")]

    assert not await write(db, *ids)
    assert await write(db, *ids)

    assert await reasons(db) == [BLOCKED] * 3


async def test_a_worker_that_is_deleted_meanwhile_is_left_out(db: Database, worker: Make) -> None:
    worker_id = await worker("ada")
    async with db.writing() as session:
        await session.delete(await session.get_one(WorkerRow, worker_id))

    assert await write(db, worker_id)
    assert await reasons(db) == []
