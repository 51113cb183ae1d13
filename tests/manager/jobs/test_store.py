"""Jobs: submission, runs that begin anew."""

import json
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4, uuid5

import pytest
from sqlalchemy.exc import IntegrityError

from manager_api.contract.answers import farm_job_answer, job_answer
from manager_api.contract.errors import JobNotFound
from manager_api.database.engine import Changed, Database
from manager_api.database.tables import JobRow
from manager_api.jobs import job_list
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.ended import make_change
from manager_api.jobs.insertion import insert_job
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.jobs.store import NotEnded
from manager_api.keeper.store import SqlKeeperStore
from manager_api.workers import tag_store as tags
from tests.manager.databases import new_job
from workflows.domain.job_types.definitions import AuthoredCommand, AuthoredTask, CompiledJob
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import Change, JobAction, ProjectionWrite, TasksMoved, WriteAnswer
from workflows.domain.statuses import JobStatus, TaskStatus

Submit = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]
REQUEUE = Change(action=JobAction.REQUEUE, reason="again")


async def stored(db: Database, job_id: str) -> JobRow:
    async with db.reading() as session:
        return await jobs.existing_job(session, job_id)


async def end(db: Database, job_id: str, status: JobStatus | None = None) -> None:
    sequence = (await stored(db, job_id)).sequence + 1
    write = ProjectionWrite(job_id, 1, sequence, status=status, is_final=True)
    assert await SqlProjectionStore(db).store(write) is WriteAnswer.STORED


async def activate(db: Database, job_id: str, indexes: str) -> None:
    move = TasksMoved(indexes, TaskStatus.ACTIVE, "Started")
    await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, 1, tasks=(move,)))


async def change(db: Database, job_id: str, asked: Change) -> int | None:
    async with db.writing() as session:
        row = await jobs.existing_job_to_change(session, job_id)
        return await make_change(session, row, asked)


async def restart_run(db: Database, job_id: str, run: int) -> int | None:
    async with db.writing() as session:
        return await jobs.restart_run(session, job_id, run)


async def test_a_submitted_job_waits_in_the_outbox(db: Database, insert: Submit) -> None:
    job_id = await insert(3, settings={"frames": "1-3"}, metadata={"project": "sintel"})

    row = await stored(db, job_id)
    assert (row.status, row.run, row.sequence, row.is_ended) == (JobStatus.QUEUED, 1, 0, False)
    assert (row.settings, row.job_metadata) == ({"frames": "1-3"}, {"project": "sintel"})
    assert (row.steps_completed, row.steps_total) == (0, 30)
    assert await SqlKeeperStore(db).outbox() == [(job_id, 1)]


async def test_a_submission_is_told_and_wakes_the_keeper(
    db: Database, insert: Submit, told: Told
) -> None:
    woken: list[str] = []
    db.listen(Changed.FARM, lambda: woken.append("keeper"))

    job_id = await insert()

    [(topic, payload)] = await told()
    assert topic == "/jobs"
    assert payload["id"] == job_id
    assert "previous_status" not in payload
    assert woken == ["keeper"]


async def test_tasks_keep_their_order_and_ids_follow_from_it(db: Database) -> None:
    command = AuthoredCommand("echo", {"message": "olé"})
    new = CompiledJob(
        new_job("tientos", "echo"),
        [
            AuthoredTask("first", "misc", (command, command)),
            AuthoredTask("last", "misc", (), dependencies=(1,), priority=40),
        ],
    )
    async with db.writing() as session:
        job_id = (await insert_job(session, new)).id

    async with db.reading() as session:
        first, last = await tasks.tasks_of_job(session, job_id)
        again = await tasks.existing_task(session, first.id)
    assert [first.name, last.name] == ["first", "last"]
    assert [first.index_in_job, last.index_in_job] == [1, 2]
    assert first.id == str(uuid5(UUID(job_id), "1"))
    assert (first.steps_total, last.steps_total) == (2, 0)
    assert (first.depends_on, last.depends_on) == ("", "1")
    echo = {"name": "echo", "parameters": {"message": "olé"}, "total_step_count": 0}
    assert again.commands == [echo, echo]


async def test_a_failed_submission_stores_nothing(db: Database, insert: Submit) -> None:
    job_id = str(uuid4())

    with pytest.raises(IntegrityError):
        await insert(job_id=job_id, worker_tag_id="unknown")

    async with db.reading() as session:
        assert await jobs.job(session, job_id) is None
    assert await SqlKeeperStore(db).outbox() == []


async def test_names_may_hold_anything_that_can_be_typed(db: Database, insert: Submit) -> None:
    job_id = await insert(name="olé\n💃\x00\ud800")

    assert (await stored(db, job_id)).name == "olé\n💃\N{REPLACEMENT CHARACTER}?"


async def test_jobs_are_listed_newest_first(db: Database, insert: Submit) -> None:
    old, new = await insert(), await insert()

    async with db.reading() as session:
        rows = await job_list.all_jobs(session)

    assert [row.id for row in rows] == [new, old]


@pytest.mark.parametrize("answer", [job_answer, farm_job_answer])
async def test_a_listed_job_is_the_stored_one(
    db: Database, insert: Submit, answer: job_list.Answer
) -> None:
    await insert(settings={"fps": 1e-7, "names": ["olé", None]}, metadata={"project": "🔥"})

    async with db.reading() as session:
        [listed] = await job_list.all_jobs(session)
        row = await jobs.existing_job(session, listed.id)

    assert json.loads(job_list.as_json(listed, 2, answer)) == json.loads(
        answer(row, 2).model_dump_json(exclude_none=True)
    )


async def test_a_list_has_what_has_changed_since_the_last_one(db: Database, insert: Submit) -> None:
    ids = [await insert(name=name) for name in ("first", "second")]

    async def listed(stuck: dict[str, int]) -> list[tuple[str, int]]:
        async with db.reading() as session:
            texts = job_list.texts(await job_list.all_jobs(session), stuck, farm_job_answer)
        told = map(json.loads, texts)
        return [(each["name"], each.get("tasks_stuck", 0)) for each in told]

    assert await listed({}) == [("second", 0), ("first", 0)]
    async with db.writing() as session:
        (await session.get_one(JobRow, ids[0])).name = "renamed"

    assert await listed({ids[1]: 2}) == [("second", 2), ("renamed", 0)]
    assert await listed({}) == [("second", 0), ("renamed", 0)]


async def test_only_an_ended_job_begins_anew(db: Database, insert: Submit) -> None:
    job_id = await insert()

    with pytest.raises(NotEnded):
        await change(db, job_id, REQUEUE)
    with pytest.raises(JobNotFound):
        await change(db, str(uuid4()), REQUEUE)


async def test_a_rerun_is_the_next_run_with_its_change(db: Database, insert: Submit) -> None:
    job_id = await insert()
    await end(db, job_id, JobStatus.CANCELED)

    assert await change(db, job_id, REQUEUE) == 2

    claimed = await SqlProjectionStore(db).claim(job_id, 2)
    assert claimed is not None
    assert (claimed.sequence, claimed.change) == (0, REQUEUE)
    assert await SqlKeeperStore(db).outbox() == [(job_id, 2)]
    assert await SqlProjectionStore(db).claim(job_id, 1) is None


async def test_a_run_without_workflow_begins_anew_from_the_database(
    db: Database, insert: Submit, worker: Submit
) -> None:
    job_id = await insert()
    keeper = SqlKeeperStore(db)
    epoch = await keeper.next_epoch()
    await keeper.write_offers(epoch, [Offer(await worker(), 1, 0, job_id, 1)])

    assert await restart_run(db, job_id, 1) == 2

    assert await restart_run(db, job_id, 1) is None
    assert (await keeper.snapshot(lambda _: True)).leases == ()
    assert await keeper.outbox() == [(job_id, 2)]


async def test_a_change_that_was_not_made_is_handed_to_the_restarted_run(
    db: Database, insert: Submit
) -> None:
    job_id = await insert()
    await end(db, job_id, JobStatus.CANCELED)
    await change(db, job_id, REQUEUE)

    assert await restart_run(db, job_id, 2) == 3

    claimed = await SqlProjectionStore(db).claim(job_id, 3)
    assert claimed is not None
    assert claimed.change == REQUEUE


async def test_the_priority_of_an_ended_job_is_set_here(
    db: Database, insert: Submit, told: Told
) -> None:
    job_id = await insert()
    with pytest.raises(NotEnded):
        await change(db, job_id, Change(priority=80))
    await end(db, job_id)
    await told()

    assert await change(db, job_id, Change(priority=80)) is None

    assert (await stored(db, job_id)).priority == 80
    assert [(topic, event["priority"]) for topic, event in await told()] == [("/jobs", 80)]


async def test_progress_counts_for_task_and_job(db: Database, insert: Submit, told: Told) -> None:
    job_id = await insert(2)
    await activate(db, job_id, "1-2")
    await told()

    async with db.writing() as session:
        assert await tasks.set_steps(session, job_id, 1, 4)
        assert await tasks.set_steps(session, job_id, 2, 99)
        assert not await tasks.set_steps(session, job_id, 2, 10)
        assert not await tasks.set_steps(session, job_id, 3, 1)

    assert (await stored(db, job_id)).steps_completed == 14
    news = [(topic, event["steps_completed"]) for topic, event in await told()]
    of_job = f"/jobs/{job_id}"
    assert news == [("/jobs", 4), (of_job, 4), ("/jobs", 14), (of_job, 10)]


async def test_progress_of_a_task_that_is_not_active_comes_too_late(
    db: Database, insert: Submit
) -> None:
    job_id = await insert(1)

    async with db.writing() as session:
        assert not await tasks.set_steps(session, job_id, 1, 4)

    assert (await stored(db, job_id)).steps_completed == 0


async def test_a_tasks_activity_is_stored_and_told_to_nobody(
    db: Database, insert: Submit, told: Told
) -> None:
    job_id = await insert(1)
    await told()

    async with db.writing() as session:
        await tasks.set_activity(session, job_id, 1, "frame 3 of 7")

    async with db.reading() as session:
        row = await tasks.existing_task_of_job(session, job_id, 1)
    assert row.activity == "frame 3 of 7"
    assert row.last_touched is not None
    assert row.status is TaskStatus.QUEUED
    assert await told() == []


async def test_a_deleted_tag_leaves_its_jobs_and_workers_without(
    db: Database, insert: Submit, told: Told
) -> None:
    async with db.writing() as session:
        await tags.insert_tag(session, "gpu", "gpu", "")
    job_id = await insert(worker_tag_id="gpu")
    async with db.reading() as session:
        [opened] = await tags.unfinished_jobs_of(session, "gpu")
    await told()

    async with db.writing() as session:
        await tags.delete_tag(session, await tags.existing_tag_to_delete(session, "gpu"))

    assert opened.id == job_id
    assert (await stored(db, job_id)).worker_tag_id is None
    assert await told() == [
        ("/workertags", {"tag": {"id": "gpu", "name": ""}, "was_deleted": True})
    ]
