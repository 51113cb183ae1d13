"""Tags, sleep schedules and blocklists, as both databases keep them."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from manager_api.database.engine import Changed, Database
from manager_api.database.tables import HandBackRow
from manager_api.jobs import blocklist_store as blocklists
from manager_api.jobs import store as jobs
from manager_api.jobs.ended import make_change
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from workflows.domain.messages import Change, LeaseReturned, ProjectionWrite
from workflows.domain.sleep_schedule import SleepSchedule
from workflows.domain.statuses import WorkerStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
ALWAYS = SleepSchedule(is_active=True)


async def test_a_schedule_is_due_when_its_moment_has_come(db: Database, worker: Make) -> None:
    carmen, gone = await worker("carmen"), await worker("gone")
    async with db.writing() as session:
        for worker_id in (carmen, gone):
            row = await workers.existing_worker_to_change(session, worker_id)
            await sleep_schedules.save(session, row, ALWAYS, NOW)
        await workers.delete_worker(session, row)

    async with db.reading() as session:
        before = await sleep_schedules.due(session, NOW)
        after = await sleep_schedules.due(session, NOW + timedelta(days=1))

    assert (before, after) == ([], [carmen])


async def test_a_schedule_that_was_looked_at_is_due_again_later(db: Database, worker: Make) -> None:
    carmen = await worker()
    tomorrow = NOW + timedelta(days=1)
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen)
        await sleep_schedules.save(session, row, ALWAYS, NOW)
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen)
        workers.set_status(session, row, WorkerStatus.AWAKE, clears_request=True)
        await sleep_schedules.look_at(session, carmen, tomorrow)

    async with db.reading() as session:
        assert await sleep_schedules.due(session, tomorrow) == []
        row = await workers.existing_worker(session, carmen)
    assert (row.status_requested, row.is_lazy_request) == (WorkerStatus.ASLEEP, False)


async def test_saving_a_schedule_anew_replaces_it(db: Database, worker: Make) -> None:
    carmen = await worker()
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen)
        await sleep_schedules.save(session, row, ALWAYS, NOW)
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen)
        await sleep_schedules.save(session, row, SleepSchedule(is_active=False), NOW)

    async with db.reading() as session:
        saved = await sleep_schedules.of_worker(session, carmen)
    assert saved is not None
    assert (saved.is_active, saved.next_check) == (False, None)


async def test_a_tag_cannot_take_the_name_of_another(db: Database, told: Told) -> None:
    async with db.writing() as session:
        for name in ("gpu", "cpu"):
            await tags.insert_tag(session, f"id of {name}", name, "")
    await told()

    async def rename(tag_id: str, name: str) -> None:
        async with db.writing() as session:
            row = await tags.existing_tag_to_change(session, tag_id)
            await tags.update_tag(session, row, name, None)

    with pytest.raises(IntegrityError):
        await rename("id of gpu", "cpu")
    await rename("id of gpu", "cards")

    assert [event["tag"]["name"] for _, event in await told()] == ["cards"]


async def test_other_tags_make_a_worker_of_use_again(
    db: Database, worker: Make, insert: Make
) -> None:
    carmen, paco, job_id = await worker("carmen"), await worker("paco"), await insert()
    returned = tuple(LeaseReturned("lease", who, 1, "of no use") for who in (carmen, paco))
    await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, 1, returned=returned))
    async with db.writing() as session:
        await tags.insert_tag(session, "gpu", "gpu", "")

    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, carmen)
        await workers.set_tags(session, row, ["gpu", "none"])
        assert Changed.FARM in session.changed

    async with db.reading() as session:
        left = (await session.scalars(select(HandBackRow.worker_id))).all()
        assert [tag.id for tag in await workers.tags_of(session, carmen)] == ["gpu"]
    assert left == [paco]


async def test_only_the_blocklist_of_an_ended_job_is_the_databases(
    db: Database, worker: Make, insert: Make
) -> None:
    carmen, job_id = await worker(), await insert()
    pairs = ((carmen, "blender"), (carmen, "misc"))
    store = SqlProjectionStore(db)
    await store.store(ProjectionWrite(job_id, 1, 1, blocked=pairs))

    async with db.writing() as session:
        row = await jobs.existing_job_to_change(session, job_id)
        with pytest.raises(jobs.NotEnded):
            await make_change(session, row, Change(unblock=pairs))
    await store.store(ProjectionWrite(job_id, 1, 2, is_final=True))
    async with db.writing() as session:
        row = await jobs.existing_job_to_change(session, job_id)
        await make_change(session, row, Change(unblock=(pairs[0], ("nobody", "blender"))))

    async with db.reading() as session:
        assert await blocklists.blocklist(session, job_id) == [(carmen, "misc", "carmen")]


async def test_a_tag_that_is_given_to_a_job_is_not_deleted_meanwhile(
    db: Database, insert: Make
) -> None:
    job_id = await insert()
    async with db.writing() as session:
        await tags.insert_tag(session, "gpu", "gpu", "")

    async with db.writing() as session:
        by_name = await tags.tag_to_give(session, name="gpu")
        assert by_name is not None
        job = await jobs.existing_job_to_change(session, job_id)
        jobs.set_tag(session, job, by_name)
    async with db.writing() as session:
        await tags.existing_tag_to_delete(session, "gpu")
        in_use = await tags.unfinished_jobs_of(session, "gpu")

    assert [row.id for row in in_use] == [job_id]
