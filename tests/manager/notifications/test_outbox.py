"""Happenings become deliveries once, and deliveries are tried by one manager, on both databases."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import HappeningRow, NotificationRuleRow
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.shortages import write_shortages
from manager_api.notifications import outbox
from manager_api.notifications.sender import Notifier
from manager_api.settings.model import ManagerSettings
from manager_api.settings.notifications import Notifications
from manager_api.workers import store as workers
from manager_api.workers.store import NewWorker
from tests.manager.api_calls import eventually
from tests.manager.notifications.happen import Happen
from tests.manager.notifications.receivers import WebhookReceiver
from workflows.domain.asides import Aside
from workflows.domain.messages import JobMoved, ProjectionWrite, RunKey, TasksMoved
from workflows.domain.notifications import HappeningKind, Scope, Shape, Times, Way
from workflows.domain.shortages import Cause, Hindered, Shortage
from workflows.domain.statuses import JobStatus, TaskStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]
SECRET = "whsec_" + "A" * 40
#: Everything is told at once.
AT_ONCE = Times(gather=timedelta())


async def a_rule(db: Database, address: str = "https://hooks.example/x", **fields: Any) -> str:
    rule_id = str(uuid4())
    facts = {
        "kinds": [str(kind) for kind in HappeningKind],
        "scope": Scope.ALL,
        "shape": Shape.PLAIN,
    }
    async with db.writing() as session:
        session.add(
            NotificationRuleRow(
                id=rule_id,
                way=Way.WEBHOOK,
                address=address,
                secret=SECRET,
                created=utc_now(),
                **(facts | fields),
            )
        )
    return rule_id


async def noted(db: Database) -> list[HappeningRow]:
    async with db.reading() as session:
        query = select(HappeningRow).order_by(HappeningRow.id)
        return list(await session.scalars(query))


async def test_two_managers_tell_and_send_each_message_once(db: Database) -> None:
    other = Database(db.url)
    settings = ManagerSettings(
        notifications=Notifications(gather=timedelta(milliseconds=100)), log_level="info"
    )
    with WebhookReceiver() as receiver:
        for _ in range(3):
            await a_rule(db, receiver.url)
        both = [
            asyncio.create_task(Notifier(each, lambda: settings).run())
            for each in ([db] if db.is_sqlite else [db, other])
        ]
        kinds = (HappeningKind.JOB_DONE, HappeningKind.JOB_FAILED, HappeningKind.WORKER_LOST)
        for kind in kinds:
            await Happen(db if db.is_sqlite else other)(kind, 40)

        async def all_came() -> bool:
            counts = [each.body["data"]["count"] for each in receiver.received]
            return bool(sum(counts) >= 3 * len(kinds) * 40)

        await eventually(all_came, 60)
        for each in both:
            each.cancel()
        await asyncio.gather(*both, return_exceptions=True)

    assert set(receiver.by_id().values()) == {1}
    assert sum(each.body["data"]["count"] for each in receiver.received) == 3 * len(kinds) * 40
    await other.close()


async def test_a_claim_keeps_others_away_until_it_ends(db: Database) -> None:
    await a_rule(db)
    await Happen(db)()
    now = utc_now()
    async with db.writing() as session:
        await outbox.tell_due(session, now, AT_ONCE)

    async def claimed(after: timedelta) -> list[str]:
        async with db.writing() as session:
            return [each.id for each in await outbox.claim_due(session, now + after, AT_ONCE)]

    first = await claimed(timedelta())

    assert len(first) == 1
    assert await claimed(timedelta(seconds=59)) == []
    assert await claimed(timedelta(seconds=61)) == first


async def test_telling_again_tells_nothing(db: Database, told: Told) -> None:
    await a_rule(db)
    await Happen(db)(count=3)
    for _ in range(2):
        async with db.writing() as session:
            await outbox.tell_due(session, utc_now(), AT_ONCE)

    async with db.reading() as session:
        assert not await outbox.has_due(session, utc_now(), AT_ONCE)
    assert [topic for topic, _ in await told()] == ["/notifications"]


async def test_what_is_old_goes(db: Database) -> None:
    await a_rule(db)
    await Happen(db)()
    now = utc_now()
    async with db.writing() as session:
        await outbox.tell_due(session, now, AT_ONCE)
    async with db.writing() as session:
        await outbox.prune(session, now + outbox.KEPT + timedelta(seconds=1))

    async with db.reading() as session:
        assert not await outbox.has_claimable(session, now + timedelta(days=90))
    assert await noted(db) == []


# --- what is noted --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [(JobStatus.COMPLETED, HappeningKind.JOB_DONE), (JobStatus.FAILED, HappeningKind.JOB_FAILED)],
)
async def test_the_end_of_a_job_is_noted_with_its_write(
    db: Database, insert: Make, status: JobStatus, kind: HappeningKind
) -> None:
    job_id = await insert(metadata={"project": "Pilot"})
    moved = JobMoved(JobStatus.ACTIVE, status, "because", refresh_tasks=False)
    write = ProjectionWrite(job_id, 1, 1, jobs=(moved,))

    for _ in range(2):  # an activity may be called twice
        await SqlProjectionStore(db).store(write)

    (only,) = await noted(db)
    assert (only.kind, only.facts["job_id"], only.facts["project"]) == (kind, job_id, "Pilot")
    assert only.facts["text"] == "because"


async def test_a_requeue_that_fails_again_is_noted_again(db: Database, insert: Make) -> None:
    job_id = await insert()
    failed = JobMoved(JobStatus.ACTIVE, JobStatus.FAILED, "because", refresh_tasks=False)
    again = JobMoved(JobStatus.FAILED, JobStatus.QUEUED, "asked", refresh_tasks=False)
    for sequence, moved in enumerate((failed, again, failed), start=1):
        await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, sequence, jobs=(moved,)))

    assert [each.kind for each in await noted(db)] == [HappeningKind.JOB_FAILED] * 2


async def test_a_paused_or_canceled_job_is_not_told(db: Database, insert: Make) -> None:
    job_id = await insert()
    for sequence, status in enumerate((JobStatus.PAUSED, JobStatus.CANCELED), start=1):
        moved = JobMoved(JobStatus.ACTIVE, status, "asked", refresh_tasks=False)
        await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, sequence, jobs=(moved,)))

    assert await noted(db) == []


async def test_a_stuck_task_is_noted_once_for_each_attempt(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker()
    active = TasksMoved("2", TaskStatus.ACTIVE, "", attempt=1, worker_id=worker_id)
    await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, 1, tasks=(active,)))
    key = RunKey(job_id, 2, 1, 1)
    for since in (utc_now(), None, utc_now()):
        async with db.writing() as session:
            await tasks.set_silences(session, {key: since})

    (only,) = await noted(db)
    assert (only.kind, only.facts["text"]) == (
        HappeningKind.JOB_STUCK,
        "task 2 gives no sign of life",
    )


async def test_a_worker_that_comes_and_goes_is_noted_once_an_hour(
    db: Database, worker: Make
) -> None:
    worker_id = await worker()
    full = Aside("disk-full", "The disk is full.")
    missing = Aside("program-missing", "No Blender is here.")
    for asides in ((full,), (), (full,), (full, missing)):
        async with db.writing() as session:
            row = await workers.existing_worker_to_change(session, worker_id)
            await workers.set_aside(session, row, asides)

    found = await noted(db)
    # The hour may change between two of them.
    assert {each.facts["text"] for each in found} == {"The disk is full.", "No Blender is here."}
    assert len(found) in (2, 3)
    assert {each.kind for each in found} == {HappeningKind.WORKER_ASIDE}


async def test_lost_workers_and_those_that_wait_are_noted(db: Database, worker: Make) -> None:
    worker_id = await worker()
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        assert workers.mark_lost(session, row)
    async with db.writing() as session:
        new = NewWorker(str(uuid4()), "new", "hash", "linux", ["misc"], is_waiting=True)
        await workers.register(session, new)

    found = [(each.kind, each.facts["name"]) for each in await noted(db)]
    assert found == [(HappeningKind.WORKER_LOST, "carmen"), (HappeningKind.WORKER_WAITS, "new")]


async def test_a_job_that_cannot_go_on_is_told_after_a_while(db: Database, insert: Make) -> None:
    job_id = await insert()
    waits = Shortage(job_id, None, "blender", 3, 0, (Hindered(Cause.OTHER_TAG, 2),))
    await a_rule(db)
    now = utc_now()
    async with db.writing() as session:
        await write_shortages(session, [waits])

    async def is_due(after: timedelta) -> bool:
        async with db.reading() as session:
            return await outbox.has_due(session, now + after, Times())

    assert not await is_due(timedelta(minutes=9))
    assert await is_due(timedelta(minutes=11))

    async with db.writing() as session:
        await write_shortages(session, [])
    assert not await is_due(timedelta(minutes=11))


async def test_a_job_that_waits_for_busy_workers_is_not_told(db: Database, insert: Make) -> None:
    busy = Shortage(await insert(), None, "blender", 3, 0, (Hindered(Cause.BUSY_HIGHER, 2),))
    async with db.writing() as session:
        await write_shortages(session, [busy])

    assert await noted(db) == []
