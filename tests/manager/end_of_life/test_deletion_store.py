"""Deletion of jobs in the database: asked for once, found again, told of."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, update

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, TaskRow
from manager_api.end_of_life import deletion_store as deletions
from manager_api.images import store as last_rendered
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.ended import make_change
from manager_api.keeper.store import SqlKeeperStore
from workflows.domain.job.transitions import Refused
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import Change, JobAction

Submit = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]


async def ended(db: Database, job_id: str, **values: Any) -> str:
    async with db.writing() as session:
        change = update(JobRow).where(JobRow.id == job_id).values(is_ended=True, **values)
        await session.execute(change)
    return job_id


async def request(db: Database, job_id: str) -> None:
    async with db.writing() as session:
        deletions.request(session, await jobs.existing_job_to_change(session, job_id))


async def waiting(db: Database) -> list[str]:
    return [pending.id async for page in deletions.pages(db) for pending in page]


async def test_a_deletion_is_asked_for_once(db: Database, insert: Submit, told: Told) -> None:
    job_id = await insert()
    await told()

    await request(db, job_id)
    await request(db, job_id)

    assert await waiting(db) == [job_id]
    assert ["delete_requested_at" in event for _, event in await told()] == [True]


async def test_of_many_that_wait_every_one_comes_up_once_in_order(
    db: Database, insert: Submit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deletions, "_PAGE", 3)
    job_ids = [await insert(1) for _ in range(7)]
    for job_id in job_ids:
        await request(db, job_id)

    assert await waiting(db) == job_ids


async def test_jobs_up_to_a_moment_are_marked_in_pieces(db: Database, insert: Submit) -> None:
    job_ids = [await insert(1) for _ in range(5)]
    moment = utc_now()
    for age, job_id in enumerate(reversed(job_ids)):
        await ended(db, job_id, updated=moment - timedelta(hours=age))

    async with db.writing() as session:
        first = await deletions.request_some(session, moment - timedelta(hours=1), 3)
    async with db.writing() as session:
        rest = await deletions.request_some(session, moment - timedelta(hours=1), 3)

    assert (first, rest) == (3, 1)
    assert set(await waiting(db)) == set(job_ids[:-1])


async def test_a_deleted_job_takes_everything_with_it(
    db: Database, insert: Submit, worker: Submit, told: Told
) -> None:
    job_id = await insert()
    keeper = SqlKeeperStore(db)
    epoch = await keeper.next_epoch()
    await keeper.write_offers(epoch, [Offer(await worker(), 1, 0, job_id, 1)])
    async with db.writing() as session:
        await last_rendered.set_last_rendered(session, job_id, "/job-files", ["last-rendered.jpg"])
    await request(db, await ended(db, job_id))
    await told()

    async with db.writing() as session:
        assert await deletions.delete_job(session, job_id)
        assert not await deletions.delete_job(session, job_id)

    async with db.reading() as session:
        assert await jobs.job(session, job_id) is None
        assert await tasks.tasks_of_job(session, job_id) == []
        assert await last_rendered.last_rendered_job(session) is None
    assert await keeper.outbox() == []
    [(topic, event)] = await told()
    assert (topic, event["id"], event["was_deleted"]) == ("/jobs", job_id, True)
    assert event["updated"] == "0001-01-01T00:00:00Z"


async def test_tasks_go_a_few_at_a_time(db: Database, insert: Submit) -> None:
    job_id = await ended(db, await insert(10))
    await request(db, job_id)
    left = []

    is_more = True
    while is_more:
        async with db.writing() as session:
            is_more = await deletions.delete_some_tasks(session, job_id, 4)
            left.append(await session.scalar(select(func.count()).select_from(TaskRow)))

    assert left == [6, 2, 0]


async def test_a_job_that_a_run_owns_or_nobody_wants_gone_stays(
    db: Database, insert: Submit
) -> None:
    running, wanted = await insert(2), await ended(db, await insert(2))
    await request(db, running)

    async with db.writing() as session:
        for job_id in (running, wanted, str(uuid4())):
            assert not await deletions.delete_some_tasks(session, job_id, 4)
            assert not await deletions.delete_job(session, job_id)

    async with db.reading() as session:
        assert len(await tasks.tasks_of_job(session, running)) == 2
        assert len(await tasks.tasks_of_job(session, wanted)) == 2


async def test_a_job_that_is_to_be_deleted_does_not_run_again(db: Database, insert: Submit) -> None:
    job_id = await ended(db, await insert())
    await request(db, job_id)

    async with db.writing() as session:
        row = await jobs.existing_job_to_change(session, job_id)
        with pytest.raises(Refused, match="being deleted"):
            await make_change(session, row, Change(action=JobAction.REQUEUE))


async def test_an_image_of_a_job_that_goes_is_not_the_farms_last(
    db: Database, insert: Submit, told: Told
) -> None:
    job_id = await insert()
    await request(db, job_id)
    await told()

    async with db.writing() as session:
        assert not await last_rendered.set_last_rendered(session, job_id, "/job-files", ["a.jpg"])
        assert not await last_rendered.set_last_rendered(
            session, str(uuid4()), "/job-files", ["a.jpg"]
        )

    async with db.reading() as session:
        assert await last_rendered.last_rendered_job(session) is None
    assert await told() == []


@pytest.mark.parametrize(
    ("named", "is_used"),
    [
        ("proj/one", True),
        ("./proj//one/", True),
        ("proj/one/folder", True),
        ("PROJ/One", True),
        ("proj", True),
        ("proj/o", False),
        ("proj/one-2", False),
        ("p_oj/one", False),
    ],
)
async def test_a_checkout_of_another_job_is_known_however_it_is_written(
    db: Database, insert: Submit, named: str, is_used: bool
) -> None:
    await insert(1, shaman_checkout_id="proj/one")
    await request(db, await insert(1, shaman_checkout_id=named))
    ((pending,),) = [page async for page in deletions.pages(db)]

    async with db.reading() as session:
        assert await deletions.is_checkout_of_others(session, pending) is is_used
