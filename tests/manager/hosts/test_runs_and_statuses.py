"""What hosts are told to be and to run, and what they report."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, update

from manager_api.contract.machine import RunProgress
from manager_api.database.engine import utc_now
from manager_api.database.restored import number_at
from manager_api.database.tables import FarmRow, JobRow
from manager_api.hosts.connection import REMEMBERED_S
from manager_api.hosts.records import SqlHostRecords
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus, WorkerStatus

HELLO = control.Hello(slots=2, software="Tablao")


# --- statuses -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stored", "said", "told"),
    [
        ({"status": WorkerStatus.STARTING}, "", "awake"),
        ({"status": WorkerStatus.STARTING, "status_requested": WorkerStatus.ASLEEP}, "", "asleep"),
        ({"status": WorkerStatus.ERROR}, "asleep", "asleep"),
        ({"status": WorkerStatus.ERROR}, "awake", "awake"),
        (
            {"status": WorkerStatus.ASLEEP, "status_requested": WorkerStatus.AWAKE},
            "asleep",
            "awake",
        ),
    ],
)
async def test_a_host_is_told_what_to_be(
    manager: Manager, stored: dict[str, Any], said: str, told: str
) -> None:
    worker = await manager.worker()
    await manager.set_worker(worker, **stored)

    async with manager.host(worker, replace(HELLO, status=said)) as (_, welcome):
        assert welcome.status == told


async def test_a_reported_status_is_stored_once_and_ends_the_request(manager: Manager) -> None:
    worker = await manager.worker()
    await manager.set_worker(
        worker, status=WorkerStatus.AWAKE, status_requested=WorkerStatus.ASLEEP
    )
    async with manager.host(worker) as (socket, _):
        for _ in range(3):
            await manager.say(socket, control.StatusReport("asleep"))

        async def is_asleep() -> bool:
            return (await manager.row(worker)).status is WorkerStatus.ASLEEP

        await manager.eventually_true(is_asleep)

    assert not (await manager.row(worker)).status_requested
    told = await manager.told("/workers")
    assert [event["status"] for event in told] == ["asleep"]


async def test_orders_go_to_the_host_that_is_connected(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        assert await manager.hosts.order_status(worker, WorkerStatus.ASLEEP)
        assert await manager.hear(socket) == control.StatusOrder("asleep")

    await manager.eventually(lambda: worker not in manager.hosts.connected)
    assert not await manager.hosts.order_status(worker, WorkerStatus.ASLEEP)


# --- runs -----------------------------------------------------------------------------------------


async def test_runs_with_an_open_lease_go_on(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)

    async with manager.host(worker, replace(HELLO, runs=(str(key),))) as (_, welcome):
        assert (welcome.stop, welcome.settled) == ((), ())


async def test_runs_whose_lease_was_returned_are_stopped(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.return_leases()

    async with manager.host(worker, replace(HELLO, runs=(str(key),))) as (_, welcome):
        assert welcome.stop == (str(key),)
        assert welcome.settled == ()


@pytest.mark.parametrize(
    ("now", "is_settled"),
    [
        ({"status": TaskStatus.COMPLETED}, True),
        ({"status": TaskStatus.QUEUED}, True),
        ({"status": TaskStatus.ACTIVE, "attempt": 2}, True),
        ({"status": TaskStatus.ACTIVE}, False),
        ({"status": TaskStatus.QUEUED, "attempt": 0}, False),
    ],
)
async def test_an_outcome_is_kept_until_its_end_is_recorded(
    manager: Manager, now: dict[str, Any], is_settled: bool
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.set_task(key, **now)

    async with manager.host(worker, replace(HELLO, runs=(str(key),))) as (_, welcome):
        assert welcome.settled == ((str(key),) if is_settled else ())


async def test_runs_of_a_job_that_is_gone_are_stopped_and_forgotten(manager: Manager) -> None:
    worker = await manager.worker()
    gone = str(RunKey(str(uuid4()), 1, 1, 1))

    async with manager.host(worker, replace(HELLO, runs=(gone,))) as (_, welcome):
        assert (welcome.stop, welcome.settled) == ((gone,), (gone,))


async def test_many_runs_are_asked_for_together(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    gone = [str(RunKey(str(uuid4()), index, 1, 1)) for index in range(1, control.MOST_RUNS)]
    asked: list[str] = []
    engine = manager.database._reading.sync_engine
    event.listen(engine, "before_cursor_execute", lambda *told: asked.append(told[2]))

    async with manager.host(worker, replace(HELLO, runs=(str(key), *gone))) as (_, welcome):
        assert welcome.settled == tuple(gone)
        assert len([query for query in asked if "FROM tasks" in query]) < 10


async def test_logs_are_stored_by_offset_and_acknowledged(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.LogPiece(str(key), 0, b"one "))
        await manager.say(socket, control.LogPiece(str(key), 0, b"one two"))

        acks = [await manager.hear(socket), await manager.hear(socket)]

    assert acks == [control.LogAck(str(key), 4), control.LogAck(str(key), 7)]
    task_id = (await manager.task(key)).id
    assert await manager.logs.tail(key.job_id, task_id, 1) == "one two"


async def test_a_log_of_a_run_that_was_never_this_workers_is_thrown_away(manager: Manager) -> None:
    worker, stranger = await manager.worker(), await manager.worker()
    key = await manager.running(worker)
    async with manager.host(stranger) as (socket, _):
        await manager.say(socket, control.LogPiece(str(key), 0, b"forged"))

        assert await manager.hear(socket) == control.LogAck(str(key), 6)

    assert await manager.logs.size(key.job_id, (await manager.task(key)).id, 1) == 0


async def stored(manager: Manager, worker: str, key: RunKey) -> bool:
    """Whether a piece of a log that the worker sends is stored."""
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.LogPiece(str(key), 0, b"sent"))
        assert await manager.hear(socket) == control.LogAck(str(key), 4)
    task_id = (await manager.task(key)).id
    return "sent" in await manager.logs.tail(key.job_id, task_id, key.attempt)


@pytest.mark.parametrize("is_lent", [True, False])
@pytest.mark.parametrize(
    ("now", "attempt", "while_lent", "afterwards"),
    [
        ({}, 1, True, True),
        ({"status": TaskStatus.COMPLETED}, 1, True, True),
        # The task is another worker's, or no worker has begun it.
        ({"worker_id": None}, 1, False, False),
        ({"worker_id": None, "attempt": 0}, 1, True, False),
        # The database does not know the try yet.
        ({}, 2, True, False),
        # A later try has begun; the log does not say whose the older one was.
        ({"attempt": 2}, 1, False, False),
    ],
)
async def test_authority_over_other_logs_ends_with_the_lease(
    manager: Manager,
    now: dict[str, Any],
    attempt: int,
    while_lent: bool,
    afterwards: bool,
    is_lent: bool,
) -> None:
    worker = await manager.worker()
    key = replace(await manager.running(worker), attempt=attempt)
    if now:
        await manager.set_task(key, **now)
    if not is_lent:
        await manager.return_leases()

    assert await stored(manager, worker, key) is (while_lent if is_lent else afterwards)


async def test_a_worker_whose_lease_was_returned_writes_no_log_of_another_task(
    manager: Manager,
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.return_leases()

    assert not await stored(manager, worker, replace(key, index=2))


async def test_the_rest_of_an_older_trys_log_is_its_workers_to_send(manager: Manager) -> None:
    worker, other, third = [await manager.worker() for _ in range(3)]
    key = await manager.running(worker)
    task_id = (await manager.task(key)).id
    for given in (other, worker):
        await manager.logs.assigned(key.job_id, task_id, 1, "carmen", given, utc_now())
    await manager.return_leases()
    await manager.set_task(key, attempt=2, worker_id=third)

    assert [await stored(manager, each, key) for each in (third, other, worker)] == [
        False,
        False,
        True,
    ]


async def restore(manager: Manager) -> None:
    """The database was put back, which counts for all runs until now."""
    async with manager.database.writing() as session:
        await session.execute(update(FarmRow).values(restored=number_at(utc_now()) + 1))


async def test_the_rest_of_a_log_is_taken_that_a_put_back_database_does_not_know(
    manager: Manager,
) -> None:
    worker, other = await manager.worker(), await manager.worker()
    key = replace(await manager.running(worker), attempt=2)
    await manager.return_leases()
    # As the logs on disk say.
    await manager.set_task(key, attempt=2, worker_id=None)
    before = await stored(manager, worker, key)
    await restore(manager)

    assert not before
    assert not await stored(manager, other, key)
    assert await stored(manager, worker, key)


async def test_a_log_is_not_taken_whose_attempt_is_the_new_runs_after_a_restore(
    manager: Manager,
) -> None:
    """Neither database nor logs on disk know it, so its number is used again."""
    worker = await manager.worker()
    key = await manager.running(worker)
    task_id = (await manager.task(key)).id
    await manager.return_leases()
    await manager.set_task(key, attempt=0, worker_id=None)
    await restore(manager)
    unused = await stored(manager, worker, key)
    await manager.set_task(key, attempt=1, worker_id=worker)
    since = utc_now() + timedelta(seconds=2)
    await manager.logs.assigned(key.job_id, task_id, 1, "carmen", worker, since)

    assert not unused
    assert not await stored(manager, worker, key)


async def test_the_rest_of_a_log_is_taken_whose_lease_a_put_back_database_does_not_know(
    manager: Manager,
) -> None:
    worker, other = await manager.worker(), await manager.worker()
    known = await manager.running(worker)
    forgotten = replace(known, run=known.run + 1, attempt=2)
    task_id = (await manager.task(known)).id
    await restore(manager)
    before = await stored(manager, worker, forgotten)
    await manager.logs.assigned(known.job_id, task_id, 2, "carmen", worker, utc_now())

    assert not before
    assert not await stored(manager, other, forgotten)
    assert await stored(manager, worker, forgotten)


async def test_authority_ends_while_the_host_is_connected(manager: Manager) -> None:
    worker = await manager.worker()
    key = replace(await manager.running(worker), attempt=2)
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.LogPiece(str(key), 0, b"its own"))
        await manager.hear(socket)
        await manager.return_leases()
        manager.clock.now += REMEMBERED_S

        await manager.say(socket, control.LogPiece(str(key), 7, b", forged"))

        assert await manager.hear(socket) == control.LogAck(str(key), 15)
    task_id = (await manager.task(key)).id
    assert await manager.logs.tail(key.job_id, task_id, 2) == "its own"


async def test_steps_are_stored_together_and_told(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        for steps in range(1, 8):
            await manager.say(
                socket, control.Progress(str(key), {"steps_completed": steps, "frame": steps})
            )

        async def is_stored() -> bool:
            return bool((await manager.task(key)).steps_completed == 7)

        await manager.eventually_true(is_stored)

        assert manager.hosts.progress_of_job(key.job_id)[key.index].frame == 7
    async with manager.database.reading() as session:
        job = await session.get(JobRow, key.job_id)
    assert job is not None
    assert job.steps_completed == 7
    assert (await manager.told(f"/jobs/{key.job_id}"))[-1]["steps_completed"] == 7


async def test_progress_is_forgotten_with_the_run(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Progress(str(key), {"frame": 7}))
        await manager.eventually(lambda: manager.hosts.progress_of_job(key.job_id))

        await manager.hosts.settled(worker, key)

    assert manager.hosts.progress_of_job(key.job_id) == {}


async def test_progress_is_known_until_the_end_is_recorded_and_not_after(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Progress(str(key), {"sample": 3, "samples": 8}))
        await manager.eventually(lambda: manager.hosts.progress_of_job(key.job_id))
        known = manager.hosts.progress_of_job(key.job_id)

        await manager.hosts.settled(worker, key)
        late, next_key = control.Progress(str(key), {"sample": 8}), replace(key, attempt=2)
        await manager.say(socket, late)
        await manager.say(socket, control.LogPiece(str(key), 0, b"the end"))
        assert await manager.hear(socket) == control.Settled(str(key))
        await manager.hear(socket)
        after = manager.hosts.progress_of_job(key.job_id)
        await manager.say(socket, control.Progress(str(next_key), {"sample": 1}))
        await manager.eventually(lambda: manager.hosts.progress_of_job(key.job_id))

    assert known == {1: RunProgress(sample=3, samples=8)}
    assert after == {}


# --- memory ---------------------------------------------------------------------------------------


async def told_memory(manager: Manager, worker: str, key: RunKey, *peaks: Any) -> None:
    """Returns when all that was told before is stored, or was not to be."""
    other = replace(key, index=2)
    await manager.set_task(other, status=TaskStatus.ACTIVE, attempt=1, worker_id=worker)
    async with manager.host(worker) as (socket, _):
        for peak in peaks:
            await manager.say(socket, control.Progress(str(key), {"memory_peak": peak}))
        await manager.say(socket, control.Progress(str(other), {"memory_peak": 7}))

        async def is_stored() -> bool:
            return bool((await manager.task(other)).memory_peak == 7)

        await manager.eventually_true(is_stored)


async def test_the_most_memory_that_a_run_took_is_stored(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)

    await told_memory(manager, worker, key, 300_000_000_000, 200)

    assert (await manager.task(key)).memory_peak == 300_000_000_000


async def test_memory_is_stored_when_the_run_has_ended_meanwhile(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.set_task(key, status=TaskStatus.COMPLETED)

    await told_memory(manager, worker, key, 2_000)

    assert (await manager.task(key)).memory_peak == 2_000


@pytest.mark.parametrize("peak", [0, -1, 2**63, "much", None, 1.5])
async def test_memory_that_no_run_can_take_is_left_out(manager: Manager, peak: Any) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)

    await told_memory(manager, worker, key, peak)

    assert (await manager.task(key)).memory_peak is None


async def test_memory_of_an_older_attempt_is_left_out(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    task_id = (await manager.task(key)).id
    await manager.logs.assigned(key.job_id, task_id, 1, "carmen", worker, utc_now())
    await manager.set_task(key, attempt=2)

    await told_memory(manager, worker, key, 2_000)

    assert (await manager.task(key)).memory_peak is None


async def test_memory_told_before_the_attempt_was_known_is_stored_when_it_is(
    manager: Manager,
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.set_task(key, attempt=0)
    await told_memory(manager, worker, key, 2_000)
    assert (await manager.task(key)).memory_peak is None
    await manager.set_task(key, attempt=1, status=TaskStatus.COMPLETED)

    await manager.hosts.settled(worker, key)

    async def is_stored() -> bool:
        return bool((await manager.task(key)).memory_peak == 2_000)

    await manager.eventually_true(is_stored)


# --- silence --------------------------------------------------------------------------------------

SINCE = "2026-01-02T03:04:05+00:00"


async def told_silence(manager: Manager, worker: str, key: RunKey, *said: Any) -> datetime | None:
    """Returns since when the task is silent after all that was said."""
    other = replace(key, index=2)
    await manager.set_task(other, status=TaskStatus.ACTIVE, attempt=1, worker_id=worker)
    async with manager.host(worker) as (socket, _):
        for each in said:
            await manager.say(socket, control.Progress(str(key), each))
        await manager.say(socket, control.Progress(str(other), {"silent_since": SINCE}))

        async def is_stored() -> bool:
            return (await manager.task(other)).silent_since is not None

        await manager.eventually_true(is_stored)
    return (await manager.task(key)).silent_since


@pytest.mark.parametrize(
    ("said", "is_stuck"),
    [
        ([{"silent_since": SINCE}], True),
        ([{"frame": 1}], False),
        ([{"silent_since": SINCE}, {"silent_since": None}], False),
        # The host begins again: it does not know of the silence.
        ([{"silent_since": SINCE}, {"frame": 1}], False),
        ([{"silent_since": None}, {"silent_since": SINCE}], True),
        ([{"silent_since": "long ago"}], False),
        ([{"silent_since": "2026-01-02T03:04:05"}], False),
        ([{"silent_since": [1]}], False),
        ([{"silent_since": 1.5}], False),
        ([{"silent_since": "0001-01-01T00:00:00+14:00"}], False),
    ],
)
async def test_a_silence_is_stored_and_its_end_too(
    manager: Manager, said: list[Any], is_stuck: bool
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)

    silent_since = await told_silence(manager, worker, key, *said)

    assert silent_since == (datetime.fromisoformat(SINCE) if is_stuck else None)


async def test_the_end_of_a_silence_counts_for_a_manager_that_began_meanwhile(
    manager: Manager,
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    await manager.set_task(key, silent_since=datetime.fromisoformat(SINCE))

    assert await told_silence(manager, worker, key, {"silent_since": None}) is None


@pytest.mark.parametrize("values", [{"attempt": 2}, {"status": TaskStatus.COMPLETED}])
async def test_a_silence_of_what_is_over_is_left_out(
    manager: Manager, values: dict[str, Any]
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    task_id = (await manager.task(key)).id
    await manager.logs.assigned(key.job_id, task_id, 1, "carmen", worker, utc_now())
    await manager.set_task(key, **values)

    assert await told_silence(manager, worker, key, {"silent_since": SINCE}) is None


@pytest.mark.parametrize(("attempt", "is_known"), [(1, True), (4, True), (1_000_000, False)])
async def test_an_attempt_that_cannot_be_has_no_log(
    manager: Manager, attempt: int, is_known: bool
) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)

    records = SqlHostRecords(manager.database, manager.logs)
    task = await records.task_of(worker, replace(key, attempt=attempt))

    assert (task is not None) is is_known
