"""Leases: what the keeper writes, what a job's run says of them, and who is refused."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from activities.keeping import Superseded
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import JobRow, LeaseRow
from manager_api.hosts.records import SqlHostRecords
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.pruning import LeasePruning
from manager_api.keeper.store import AT_ONCE, SqlKeeperStore
from manager_api.logs.task_logs import TaskLogs
from manager_api.workers import store as workers
from workflows.domain.control import Hello
from workflows.domain.farm_facts import FarmSnapshot
from workflows.domain.job.encoding import TaskColumns, encode
from workflows.domain.matchmaking import Offer, RecallOrder
from workflows.domain.messages import (
    Demand,
    Lease,
    LeaseReturned,
    ProjectionWrite,
    RunKey,
    TasksMoved,
    Want,
    WriteAnswer,
)
from workflows.domain.statuses import JobStatus, TaskStatus, WorkerStatus

Make = Callable[..., Awaitable[str]]
Told = Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]


async def store(db: Database, job_id: str, sequence: int, **changes: Any) -> None:
    write = ProjectionWrite(job_id, 1, sequence, **changes)
    assert await SqlProjectionStore(db).store(write) is WriteAnswer.STORED


async def snapshot(db: Database) -> FarmSnapshot:
    return await SqlKeeperStore(db).snapshot(lambda _: True)


async def lend(db: Database, *offers: Offer) -> list[Lease]:
    keeper = SqlKeeperStore(db)
    return await keeper.write_offers(await keeper.next_epoch(), offers)


def in_a_moment() -> Any:
    return utc_now() + timedelta(seconds=1)


@pytest.mark.parametrize(("stuck", "are_stuck"), [(0, [False, False]), (1, [True, False])])
async def test_of_a_workers_leases_as_many_are_stuck_as_its_tasks(
    db: Database, insert: Make, worker: Make, stuck: int, are_stuck: list[bool]
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    await lend(db, *(Offer(worker_id, 1, slot, job_id, 1) for slot in range(2)))
    moves = (
        TasksMoved("1", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1),
        TasksMoved("2", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1),
    )
    await store(db, job_id, 1, tasks=moves)
    async with db.writing() as session:
        keys = [RunKey(job_id, index, 1, 1) for index in range(1, stuck + 1)]
        await tasks.set_silences(session, dict.fromkeys(keys, utc_now()))

    assert sorted(facts.is_stuck for facts in (await snapshot(db)).leases) == sorted(are_stuck)


async def test_a_lease_says_all_that_a_workflow_needs(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")

    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))

    assert (lease.worker_name, lease.task_types) == ("carmen", ("blender", "misc"))
    assert (lease.session, lease.slot, lease.generation, lease.run) == (1, 0, 1, 1)
    [facts] = (await snapshot(db)).leases
    assert (facts.id, facts.is_held, facts.recall) == (lease.id, False, "")


@pytest.mark.parametrize("has_deck", [True, False])
async def test_a_lease_says_whether_the_host_can_hold_its_next_task(
    db: Database, insert: Make, worker: Make, tmp_path: Path, has_deck: bool
) -> None:
    job_id, worker_id = await insert(), await worker("carmen")
    records = SqlHostRecords(db, TaskLogs(tmp_path))
    hello = Hello(slots=1, software="Tablao", session=1, has_deck=has_deck)
    assert await records.open_session(worker_id, hello) == 1

    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))

    assert lease.has_deck is has_deck


async def test_a_slot_is_lent_once(db: Database, insert: Make, worker: Make) -> None:
    job_id, other = await insert(), await insert()
    worker_id = await worker(slots=2)

    first = await lend(db, Offer(worker_id, 1, 0, job_id, 1), Offer(worker_id, 1, 0, other, 1))
    second = await lend(db, Offer(worker_id, 1, 0, other, 1), Offer(worker_id, 1, 1, other, 1))

    assert [(lease.job_id, lease.slot) for lease in first] == [(job_id, 0)]
    assert [(lease.job_id, lease.slot) for lease in second] == [(other, 1)]


async def test_offers_that_were_overtaken_are_left_out(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, ended = await insert(), await insert()
    await store(db, ended, 1, is_final=True)
    signed_on_anew, deleted = await worker(), await worker()
    async with db.writing() as session:
        returned = await workers.existing_worker_to_change(session, signed_on_anew)
        workers.begin_session(session, returned, 1, [])
        gone = await workers.existing_worker_to_change(session, deleted)
        await workers.delete_worker(session, gone)
    worker_id = await worker()

    leases = await lend(
        db,
        Offer(worker_id, 1, 0, job_id, 2),
        Offer(worker_id, 1, 0, ended, 1),
        Offer(signed_on_anew, 1, 0, job_id, 1),
        Offer(deleted, 1, 0, job_id, 1),
    )

    assert leases == []


async def test_generations_grow_even_when_a_job_takes_its_leases_along(
    db: Database, insert: Make, worker: Make
) -> None:
    worker_id = await worker()
    generations = []

    for _ in range(3):
        job_id = await insert()
        [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))
        generations.append(lease.generation)
        async with db.writing() as session:
            await session.execute(delete(JobRow).where(JobRow.id == job_id))

    assert generations == [1, 2, 3]


async def test_an_older_keeper_is_refused(db: Database, insert: Make, worker: Make) -> None:
    job_id, worker_id = await insert(), await worker()
    old, new = SqlKeeperStore(db), SqlKeeperStore(db)
    epoch = await old.next_epoch()
    await new.next_epoch()

    with pytest.raises(Superseded):
        await old.write_offers(epoch, [Offer(worker_id, 1, 0, job_id, 1)])
    with pytest.raises(Superseded):
        await old.mark_recalled(epoch, [RecallOrder("1", job_id, True, "")])
    with pytest.raises(Superseded):
        await old.mark_returned(epoch, ["1"])
    with pytest.raises(Superseded):
        await old.mark_lost(epoch, worker_id)

    assert (await snapshot(db)).leases == ()


async def test_an_offered_lease_is_resent_until_it_is_held(
    db: Database, insert: Make, worker: Make
) -> None:
    keeper, job_id = SqlKeeperStore(db), await insert()
    [lease] = await lend(db, Offer(await worker(), 1, 0, job_id, 1))
    offered = await keeper.unconfirmed_leases(0)
    too_early = await keeper.unconfirmed_leases(60)

    await store(db, job_id, 1, held=(lease.id, lease.id))

    assert (offered, too_early) == ([lease], [])
    assert await keeper.unconfirmed_leases(0) == []
    assert [facts.is_held for facts in (await snapshot(db)).leases] == [True]


async def test_a_recall_stands_until_the_lease_is_returned_and_is_never_weakened(
    db: Database, insert: Make, worker: Make
) -> None:
    keeper, job_id, worker_id = SqlKeeperStore(db), await insert(), await worker()
    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))
    epoch = await keeper.next_epoch()

    for at_once in (False, True, False):
        await keeper.mark_recalled(epoch, [RecallOrder(lease.id, job_id, at_once, "sleep")])

    [recalled] = (await snapshot(db)).leases
    assert (recalled.id, recalled.recall) == (lease.id, AT_ONCE)
    returned = LeaseReturned(lease.id, worker_id, 0, "it was recalled")
    await store(db, job_id, 1, returned=(returned,))
    assert (await snapshot(db)).leases == ()


async def test_a_lease_moves_to_its_hosts_new_session(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id = await insert()
    [lease] = await lend(db, Offer(await worker(), 1, 0, job_id, 1))

    await store(db, job_id, 1, held=(lease.id,), moved=((lease.id, 2),))

    [facts] = (await snapshot(db)).leases
    assert (facts.session, facts.is_held) == (2, True)


async def test_a_hand_back_counts_with_its_demand_version(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker()
    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))
    useless = LeaseReturned(lease.id, worker_id, 3, "nothing to do for it")

    await store(db, job_id, 1, held=(lease.id,), returned=(useless,))
    await store(db, job_id, 2, returned=(useless,))

    farm = await snapshot(db)
    assert farm.hand_backs == {(job_id, worker_id): 3}
    assert farm.leases == ()


async def test_a_recalled_worker_was_not_of_no_use(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await worker()
    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))

    await store(db, job_id, 1, returned=(LeaseReturned(lease.id, worker_id, 0, "recalled"),))

    assert (await snapshot(db)).hand_backs == {}


async def test_a_returned_lease_is_not_held_again(db: Database, insert: Make, worker: Make) -> None:
    job_id, worker_id = await insert(), await worker()
    [lease] = await lend(db, Offer(worker_id, 1, 0, job_id, 1))
    await store(db, job_id, 1, returned=(LeaseReturned(lease.id, worker_id, 0, "recalled"),))

    await store(db, job_id, 2, held=(lease.id,))

    assert (await snapshot(db)).leases == ()


async def test_an_ended_run_holds_nothing_and_is_no_longer_looked_at(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, other = await insert(), await insert()
    carmen, lola = await worker("carmen"), await worker("lola")
    await lend(db, Offer(carmen, 1, 0, job_id, 1), Offer(lola, 1, 0, other, 1))

    await store(db, job_id, 1, is_final=True)

    farm = await snapshot(db)
    assert [lease.job_id for lease in farm.leases] == [other]
    assert [job.id for job in farm.jobs] == [other]


async def test_with_everything_the_run_says_which_leases_it_holds(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, names = await insert(1), ("carmen", "lola", "paco")
    kept, dropped, on_its_way = await lend(
        db, *[Offer(await worker(name), 1, 0, job_id, 1) for name in names]
    )
    await store(db, job_id, 1, held=(dropped.id,))
    columns = TaskColumns(["blender"], [50], [""], [TaskStatus.ACTIVE], [1], [0], [()])

    await store(db, job_id, 9, snapshot=encode(columns), all_held=(kept.id,))

    states = {lease.id: lease.is_held for lease in (await snapshot(db)).leases}
    assert states == {kept.id: True, on_its_way.id: False}


async def test_an_orphaned_lease_can_be_returned(db: Database, insert: Make, worker: Make) -> None:
    keeper, job_id = SqlKeeperStore(db), await insert()
    [lease] = await lend(db, Offer(await worker(), 1, 0, job_id, 1))

    await keeper.mark_returned(await keeper.next_epoch(), [lease.id])

    assert (await snapshot(db)).leases == ()


async def test_a_lost_worker_is_told_and_keeps_its_leases_until_they_are_returned(
    db: Database, insert: Make, worker: Make, told: Told
) -> None:
    keeper, job_id, worker_id = SqlKeeperStore(db), await insert(), await worker()
    await lend(db, Offer(worker_id, 1, 0, job_id, 1))
    await told()

    assert await keeper.mark_lost(await keeper.next_epoch(), worker_id, session=1)

    farm = await snapshot(db)
    assert [facts.status for facts in farm.workers] == [WorkerStatus.ERROR]
    assert len(farm.leases) == 1
    assert [event["status"] for _, event in await told()] == ["error"]


async def test_the_farm_is_seen_whole(db: Database, insert: Make, worker: Make) -> None:
    old = await insert(priority=10)
    new = await insert(priority=90, status=JobStatus.PAUSED)
    present, absent = await worker("a", slots=2), await worker("b")
    demand = Demand(2, (Want("blender", 3, blocked=(absent,), failed=(present,)),))
    await store(db, old, 1, demand=demand)

    farm = await SqlKeeperStore(db).snapshot(lambda worker_id: worker_id == present)

    assert [(job.id, job.priority, job.age_rank, job.status) for job in farm.jobs] == [
        (old, 10, 0, JobStatus.QUEUED),
        (new, 90, 1, JobStatus.PAUSED),
    ]
    assert [job.demand for job in farm.jobs] == [demand, None]
    assert [(w.id, w.is_present, w.slots, w.session) for w in farm.workers] == [
        (present, True, 2, 1),
        (absent, False, 1, 1),
    ]
    assert farm.workers[0].task_types == {"blender", "misc"}


async def test_only_the_run_that_was_started_leaves_the_outbox(db: Database, insert: Make) -> None:
    keeper, job_id = SqlKeeperStore(db), await insert()

    await keeper.started(job_id, 2)
    before = await keeper.outbox()
    await keeper.started(job_id, 1)

    assert before == [(job_id, 1)]
    assert await keeper.outbox() == []


async def test_old_leases_are_pruned_when_they_are_returned(
    db: Database, insert: Make, worker: Make
) -> None:
    keeper, job_id = SqlKeeperStore(db), await insert()
    offers = [Offer(await worker(name), 1, 0, job_id, 1) for name in ("carmen", "lola")]
    returned, _ = await lend(db, *offers)
    await keeper.mark_returned(await keeper.next_epoch(), [returned.id])

    assert await keeper.prune_returned(in_a_moment()) == 1
    assert len((await snapshot(db)).leases) == 1


async def test_the_keeper_deletes_leases_that_were_returned_long_ago(
    db: Database, insert: Make, worker: Make
) -> None:
    keeper, job_id = SqlKeeperStore(db), await insert()
    [returned] = await lend(db, Offer(await worker(), 1, 0, job_id, 1))
    epoch = await keeper.next_epoch()
    await keeper.mark_returned(epoch, [returned.id])
    duty = asyncio.create_task(LeasePruning(keeper, kept=timedelta(0)).run(epoch))

    async def are_left() -> bool:
        async with db.reading() as session:
            return await session.get(LeaseRow, returned.id) is not None

    async with asyncio.timeout(30):
        while await are_left():  # noqa: ASYNC110 -- only the database shows it
            await asyncio.sleep(0.01)
    duty.cancel()
