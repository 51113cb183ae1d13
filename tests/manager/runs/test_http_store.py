"""Runs of HTTP workers in both databases: entered, given back, forgotten; the keeper's view."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import HttpRunRow, HttpRunState
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.store import SqlKeeperStore
from manager_api.runs import http_store as http_runs
from manager_api.runs.http_reports import heard_of, reported_task
from manager_api.workers import store as workers
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import (
    Lease,
    Outcome,
    OutcomeKind,
    ProjectionWrite,
    RunKey,
    RunRef,
    RunStopped,
    TasksMoved,
)
from workflows.domain.statuses import TaskStatus, WorkerStatus
from workflows.domain.task_ids import task_id

Make = Callable[..., Awaitable[str]]
COMPLETED = Outcome(OutcomeKind.COMPLETED)


async def http_worker(db: Database, worker: Make) -> str:
    worker_id = await worker("carmen")
    async with db.writing() as session:
        row = await workers.worker_to_change(session, worker_id)
        assert row is not None
        await http_runs.begin_session(session, row)
    return worker_id


async def lend(db: Database, worker_id: str, job_id: str) -> Lease:
    keeper = SqlKeeperStore(db)
    epoch = await keeper.next_epoch()
    [facts] = (await keeper.snapshot(lambda _: False)).workers
    [lease] = await keeper.write_offers(epoch, [Offer(worker_id, facts.session, 0, job_id, 1)])
    return lease


async def attach(db: Database, lease: Lease, activity: str = "1") -> http_runs.Attached:
    ref = RunRef(lease.job_id, 1, 1, 1, lease.id, lease.slot, lease.generation)
    async with db.writing() as session:
        return await http_runs.attach(session, ref, "run", activity)


async def hand_out(db: Database, key: str) -> None:
    async with db.writing() as session:
        row = await http_runs.run_to_change(session, key)
        assert row is not None
        row.state, row.handed_out = HttpRunState.RUNNING, 1


async def end(db: Database, key: str, outcome: Outcome) -> None:
    async with db.writing() as session:
        row = await http_runs.run_to_change(session, key)
        assert row is not None
        http_runs.end(session, row, outcome)


async def test_a_lease_of_an_http_worker_says_so(db: Database, insert: Make, worker: Make) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)

    lease = await lend(db, worker_id, job_id)

    assert (lease.is_http, lease.task_queue, lease.slot) == (True, "http-workers", 0)


async def test_the_keeper_sees_who_polls_and_asks_who_is_present(
    db: Database, worker: Make
) -> None:
    worker_id = await http_worker(db, worker)
    async with db.writing() as session:
        row = await workers.worker_to_change(session, worker_id)
        assert row is not None
        row.polls_until = utc_now() + timedelta(minutes=1)
    asked: list[Any] = []

    def is_present(*question: Any) -> bool:
        asked.append(question)
        return False

    store = SqlKeeperStore(db, is_present)
    [facts] = (await store.snapshot(lambda _: True)).workers

    assert (facts.is_http, facts.is_polling, facts.is_present) == (True, True, False)
    assert [question[0] for question in asked] == [worker_id]


async def test_a_run_is_attached_to_and_its_outcome_is_kept(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)
    lease, key = await lend(db, worker_id, job_id), str(RunKey(job_id, 1, 1, 1))

    first = await attach(db, lease)
    second = await attach(db, lease, "2")
    await hand_out(db, key)
    await end(db, key, COMPLETED)
    await end(db, key, Outcome(OutcomeKind.FAILED, "too late"))
    async with db.reading() as session:
        [waiting] = await http_runs.undelivered(session)
    third = await attach(db, lease, "3")

    assert (first.outcome, second.outcome) == (None, None)
    assert http_runs.activity_of(waiting).activity_id == "2"
    assert third.outcome == COMPLETED


async def test_a_run_on_offer_is_withdrawn_and_a_fetched_one_is_not(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)
    key = RunKey(job_id, 1, 1, 1)
    stopped = RunStopped(key, worker_id, 1)
    await attach(db, await lend(db, worker_id, job_id))

    async def known() -> tuple[list[RunKey], set[RunKey]]:
        async with db.reading() as session:
            offered = await http_runs.on_offer(session, job_id)
            return offered, await http_runs.handed_out(session, [key])

    async def withdrawn() -> HttpRunState:
        async with db.writing() as session:
            await http_runs.withdraw(session, [stopped])
        async with db.reading() as session:
            return (await session.get_one(HttpRunRow, str(key))).state

    on_offer = await known()
    await hand_out(db, str(key))
    fetched = await known()

    assert (on_offer, fetched) == (([key], set()), ([], {key}))
    assert await withdrawn() is HttpRunState.RUNNING
    async with db.writing() as session:
        row = await http_runs.run_to_change(session, str(key))
        assert row is not None
        row.state = HttpRunState.OFFERED
    assert await withdrawn() is HttpRunState.ENDED


async def test_a_run_is_forgotten_when_its_end_is_recorded(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)
    lease, key = await lend(db, worker_id, job_id), str(RunKey(job_id, 1, 1, 1))
    started = TasksMoved("1", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1)
    ended = TasksMoved("1", TaskStatus.COMPLETED, "Completed", worker_id=worker_id, attempt=1)
    store = SqlProjectionStore(db)
    await store.store(ProjectionWrite(job_id, 1, 1, tasks=(started,), held=(lease.id,)))
    await attach(db, lease)
    await hand_out(db, key)
    await end(db, key, COMPLETED)

    async def settled() -> list[str]:
        async with db.writing() as session:
            waiting = [http_runs.activity_of(r) for r in await http_runs.undelivered(session)]
            await http_runs.detach(session, waiting)
            return list(await http_runs.settled(session))

    before = await settled()
    await store.store(ProjectionWrite(job_id, 1, 2, tasks=(ended,)))
    after = await settled()
    async with db.writing() as session:
        await http_runs.forget(session, after)
    async with db.reading() as session:
        task = await reported_task(session, task_id(job_id, 1), worker_id)

    assert task is not None
    assert (before, after, task.run) == ([], [key], None)


async def test_a_worker_speaks_of_its_newest_try(db: Database, insert: Make, worker: Make) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)
    lease = await lend(db, worker_id, job_id)
    keys = [RunKey(job_id, 1, 1, attempt) for attempt in (9, 10, 11)]
    for key in keys:
        ref = RunRef(job_id, 1, 1, key.attempt, lease.id, lease.slot, lease.generation)
        async with db.writing() as session:
            await http_runs.attach(session, ref, "run", "1")
    for key in keys[:2]:  # the third was never handed out
        await hand_out(db, str(key))

    async with db.writing() as session:
        was_heard_of = await heard_of(session, keys[1], utc_now())
    await end(db, str(keys[1]), COMPLETED)
    async with db.writing() as session:
        is_heard_of_again = await heard_of(session, keys[1], utc_now())
        task = await reported_task(session, task_id(job_id, 1), worker_id)
        other = await reported_task(session, task_id(job_id, 1), "another worker")
        none = await reported_task(session, "unknown", worker_id)

    assert (was_heard_of, is_heard_of_again) == (True, False)
    assert task is not None
    assert (task.run, task.open_run, task.attempt) == (str(keys[1]), None, 10)
    assert other is not None
    assert (other.run, other.attempt) == (None, 0)
    assert none is None


async def test_a_run_of_an_older_session_is_kept_while_its_workflow_may_ask_for_it(
    db: Database, insert: Make, worker: Make
) -> None:
    """Its task was canceled and queued again, and its worker has restarted."""
    job_id, worker_id = await insert(), await http_worker(db, worker)
    lease, key = await lend(db, worker_id, job_id), str(RunKey(job_id, 1, 1, 1))
    await attach(db, lease)
    await hand_out(db, key)
    started = TasksMoved("1", TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1)
    requeued = TasksMoved("1", TaskStatus.QUEUED, "requeued", in_bulk=True)
    await SqlProjectionStore(db).store(ProjectionWrite(job_id, 1, 1, tasks=(started, requeued)))
    async with db.writing() as session:
        row = await workers.existing_worker_to_change(session, worker_id)
        await http_runs.process_began(session, row)

    async def settled() -> list[str]:
        async with db.reading() as session:
            return list(await http_runs.settled(session))

    before = await settled()
    asked_again = await attach(db, lease, "2")

    assert (before, await settled()) == ([], [key])
    assert asked_again.outcome is not None


async def test_what_an_http_worker_holds_is_given_back_and_goes_along_to_its_next_session(
    db: Database, insert: Make, worker: Make
) -> None:
    job_id, worker_id = await insert(), await http_worker(db, worker)
    lease, key = await lend(db, worker_id, job_id), str(RunKey(job_id, 1, 1, 1))
    await attach(db, lease)

    async with db.writing() as session:
        await http_runs.touch(session, [key], utc_now())
        await http_runs.give_back(session, worker_id, "it sleeps")
        row = await workers.worker_to_change(session, worker_id)
        assert row is not None
        await http_runs.process_began(session, row)
    async with db.reading() as session:
        run = await session.get(HttpRunRow, key)
        known = await workers.worker(session, worker_id)

    assert run is not None
    assert known is not None
    assert (run.state, run.outcome, run.reason) == (HttpRunState.ENDED, "refused", "it sleeps")
    assert (known.session, known.live_runs, known.status) == (3, [key], WorkerStatus.AWAKE)


async def test_a_host_that_comes_in_its_place_makes_it_an_http_worker_no_more(
    db: Database, worker: Make
) -> None:
    worker_id = await http_worker(db, worker)

    async with db.writing() as session:
        number = workers.begin_session(
            session, await workers.existing_worker_to_change(session, worker_id), 4, []
        )

    [facts] = (await SqlKeeperStore(db).snapshot(lambda _: True)).workers
    assert (facts.is_http, facts.session, number) == (False, 3, 3)
