"""Workers: who they are, what is asked of them, what they did last."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from manager_api.contract.errors import WorkerNotFound
from manager_api.database.engine import Changed, Database, utc_now
from manager_api.database.payloads import HOST_ORDERS
from manager_api.database.tables import WorkerRow
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from manager_api.workers.store import SignOn
from workflows.domain.messages import ProjectionWrite, TasksMoved
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.worker import request_status

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]


async def stored(db: Database, worker_id: str) -> WorkerRow:
    async with db.reading() as session:
        return await workers.existing_worker(session, worker_id)


async def test_sign_on_brings_its_facts_up_to_date(db: Database, worker: Make, told: Told) -> None:
    worker_id = await worker("carmen")
    await told()

    async with db.writing() as session:
        facts = SignOn("lola", ["misc"], "3.8.5", can_restart=True, address="10.0.0.7")
        await workers.sign_on(
            session, await workers.existing_worker_to_change(session, worker_id), facts
        )

    row = await stored(db, worker_id)
    assert (row.name, row.address, row.software) == ("lola", "10.0.0.7", "3.8.5")
    assert (row.supported_task_types, row.can_restart) == (["misc"], True)
    [(topic, event)] = await told()
    assert topic == "/workers"
    assert (event["status"], event["previous_status"]) == ("starting", "awake")
    assert "status_change" not in event


async def test_each_session_has_a_number_of_its_own(db: Database, worker: Make) -> None:
    worker_id = await worker()
    woken: list[str] = []
    db.listen(Changed.FARM, lambda: woken.append("keeper"))

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        number = workers.begin_session(session, row, 2, ["a.1.1.1"])

    row = await stored(db, worker_id)
    assert number == row.session == 2
    assert (row.slots, row.live_runs) == (2, ["a.1.1.1"])
    assert woken == ["keeper"]


async def test_a_session_counts_on_from_what_was_set_in_its_transaction(
    db: Database, worker: Make
) -> None:
    worker_id = await worker()

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        row.session = 7
        assert workers.begin_session(session, row, 1, []) == 8


async def test_there_is_no_unknown_worker(db: Database) -> None:
    unknown = str(uuid4())
    async with db.writing() as session:
        with pytest.raises(WorkerNotFound, match=unknown):
            await workers.existing_worker(session, unknown)
        with pytest.raises(WorkerNotFound, match=unknown):
            await workers.existing_worker_to_change(session, unknown)


async def request(db: Database, worker_id: str, status: WorkerStatus, *, lazy: bool = True) -> None:
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        pending = request_status(row.status, status, is_lazy=lazy, can_restart=row.can_restart)
        workers.set_request(session, row, pending)


async def report(db: Database, worker_id: str, status: WorkerStatus) -> None:
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        workers.set_status(session, row, status)


async def test_a_request_stays_until_it_is_fulfilled(
    db: Database, worker: Make, told: Told
) -> None:
    worker_id = await worker()
    await told()

    await request(db, worker_id, WorkerStatus.ASLEEP)
    await report(db, worker_id, WorkerStatus.AWAKE)
    before = (await stored(db, worker_id)).status_requested
    await report(db, worker_id, WorkerStatus.ASLEEP)

    assert before is WorkerStatus.ASLEEP
    assert (await stored(db, worker_id)).status_requested is None
    changes = [event.get("status_change") for _, event in await told()]
    asked = {"status": "asleep", "is_lazy": True}
    assert changes == [asked, asked, None]


async def test_asking_for_the_present_status_ends_a_request(db: Database, worker: Make) -> None:
    worker_id = await worker()

    await request(db, worker_id, WorkerStatus.ASLEEP)
    await request(db, worker_id, WorkerStatus.AWAKE)

    row = await stored(db, worker_id)
    assert (row.status_requested, row.is_lazy_request) == (None, False)


async def test_a_host_that_was_ordered_what_is_not_wanted_any_more_is_ordered_back(
    db: Database, worker: Make, told: Told
) -> None:
    host, over_http = await worker(), await worker()
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, over_http)
        row.is_http = True
    await told()

    for worker_id in (host, over_http):
        await request(db, worker_id, WorkerStatus.ASLEEP)
        await request(db, worker_id, WorkerStatus.AWAKE)
        await request(db, worker_id, WorkerStatus.AWAKE)

    orders = [event for topic, event in await told() if topic == HOST_ORDERS]
    assert orders == [{"order": "status", "worker": host, "status": "awake"}]


async def test_a_lost_worker_is_in_error_and_nothing_is_asked_of_it(
    db: Database, worker: Make, told: Told
) -> None:
    worker_id = await worker()
    await request(db, worker_id, WorkerStatus.ASLEEP)
    await told()

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        outdated = workers.mark_lost(session, row, host_session=0)
        lost = workers.mark_lost(session, row, host_session=1)
        again = workers.mark_lost(session, row)

    assert (outdated, lost, again) == (False, True, False)
    [(_, event)] = await told()
    assert (event["status"], event["previous_status"]) == ("error", "awake")
    assert "status_change" not in event


async def test_a_deleted_worker_is_found_no_more(db: Database, worker: Make, told: Told) -> None:
    gone, stays = await worker("gone"), await worker("stays")
    await told()

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, gone)
        await workers.delete_worker(session, row)

    async with db.reading() as session:
        assert await workers.worker(session, gone) is None
        assert [row.id for row in await workers.all_workers(session)] == [stays]
    assert ["deleted_at" in event for _, event in await told()] == [True]


async def test_tags_are_replaced_and_unknown_ones_ignored(db: Database, worker: Make) -> None:
    worker_id = await worker()
    async with db.writing() as session:
        await tags.insert_tag(session, "1", "gpu", "")
        await tags.insert_tag(session, "2", "cpu", "")
        row = await workers.existing_worker_to_change(session, worker_id)
        await workers.set_tags(session, row, ["1"])

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        await workers.set_tags(session, row, ["2", "unknown"])

    async with db.reading() as session:
        assert [tag.name for tag in await workers.tags_of(session, worker_id)] == ["cpu"]


async def test_being_seen_changes_nothing_else(db: Database, worker: Make, told: Told) -> None:
    worker_id = await worker()
    await told()
    at = utc_now() + timedelta(hours=1)

    async with db.writing() as session:
        await workers.seen(session, [worker_id], at)

    assert (await stored(db, worker_id)).last_seen == at
    assert await told() == []


async def test_the_last_task_is_the_active_one_else_the_last_changed(
    db: Database, worker: Make, insert: Make
) -> None:
    worker_id, job_id = await worker(), await insert(3)
    store = SqlProjectionStore(db)

    async def last_after(sequence: int, index: str, status: TaskStatus) -> int | None:
        move = TasksMoved(index, status, "", worker_id=worker_id)
        await store.store(ProjectionWrite(job_id, 1, sequence, tasks=(move,)))
        async with db.reading() as session:
            row = await workers.last_task(session, worker_id)
        return None if row is None else row.index_in_job

    async with db.reading() as session:
        assert await workers.last_task(session, worker_id) is None
    assert await last_after(1, "2", TaskStatus.ACTIVE) == 2
    assert await last_after(2, "3", TaskStatus.COMPLETED) == 2
    assert await last_after(3, "2", TaskStatus.COMPLETED) == 2
    assert await last_after(4, "1", TaskStatus.FAILED) == 1
