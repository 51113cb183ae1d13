"""Which process is a worker's host, and whether it is there."""

import asyncio
from dataclasses import replace

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from manager_api.contract.machine import MachineStatistics
from manager_api.database.engine import utc_now
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from tests.farm.ids import JOB
from tests.manager.hosts.served_channel import Manager
from workflows.domain import control
from workflows.domain.asides import from_json
from workflows.domain.messages import RunKey
from workflows.domain.sleep_schedule import SleepSchedule
from workflows.domain.statuses import WorkerStatus

HELLO = control.Hello(slots=2, software="Tablao")


# --- sessions -------------------------------------------------------------------------------------


async def test_each_new_process_gets_a_session_of_its_own(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, runs=(f"{JOB}.1.1.1",))) as (_, first):
        pass

    async with manager.host(worker) as (_, second):
        row = await manager.row(worker)

    assert (first.session, second.session) == (1, 2)
    assert (row.session, row.slots, row.live_runs) == (2, 2, [])


async def test_a_session_stores_which_runs_live(manager: Manager) -> None:
    worker = await manager.worker()

    async with manager.host(worker, replace(HELLO, runs=(f"{JOB}.1.1.1",))):
        row = await manager.row(worker)

    assert row.live_runs == [f"{JOB}.1.1.1"]


async def test_the_same_process_keeps_its_session(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (_, first):
        pass

    async with manager.host(worker, replace(HELLO, session=first.session)) as (_, second):
        assert second.session == first.session


async def test_a_process_with_an_older_session_is_sent_away(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker), manager.host(worker) as (newest, _):
        code = await manager.close_code(worker, control.encode(replace(HELLO, session=1)))

        assert code == control.CLOSE_SUPERSEDED
        await manager.hosts.settled(worker, RunKey(JOB, 1, 1, 1))
        assert await manager.hear(newest) == control.Settled(f"{JOB}.1.1.1")


async def test_a_worker_that_counted_as_lost_begins_a_new_session(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (_, first):
        pass
    await manager.set_worker(worker, status=WorkerStatus.ERROR)

    async with manager.host(worker, replace(HELLO, session=first.session)) as (_, second):
        assert second.session == first.session + 1


async def test_a_database_set_back_in_time_never_issues_a_session_twice(manager: Manager) -> None:
    worker = await manager.worker()

    async with manager.host(worker, replace(HELLO, session=41)) as (_, welcome):
        assert welcome.session == 42


@pytest.mark.parametrize("claimed", [2**30, 2**30 + 1, 2**31 - 2])
async def test_a_host_cannot_lock_out_its_worker(manager: Manager, claimed: int) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, session=claimed)) as (_, first):
        pass
    async with manager.host(worker, replace(HELLO, session=first.session)) as (_, again):
        assert again.session == first.session
    async with manager.host(worker) as (_, anew):
        assert anew.session == first.session + 1


async def test_a_worker_without_credentials_gets_no_connection(manager: Manager) -> None:
    with pytest.raises(InvalidStatus):
        async with connect(f"ws://127.0.0.1:{manager.port}{control.PATH}"):
            pass


@pytest.mark.parametrize(
    "frames",
    [
        ["not json"],
        ['{"type": "beat"}'],
        [control.encode(HELLO), '{"type": "status", "status": "dancing"}'],
        [control.encode(HELLO), '{"type": "progress", "key": "no key"}'],
        [control.encode(HELLO), b"\xff"],
        [control.encode(replace(HELLO, runs=("no key",)))],
        [control.encode(replace(HELLO, runs=(f"{JOB}/../..?.1.1.1",)))],
        [control.encode(replace(HELLO, runs=(f"{JOB}.1.1.1",) * 10_001))],
        [control.encode(replace(HELLO, slots=10_000_000))],
        [control.encode(replace(HELLO, slots=0))],
        [control.encode(replace(HELLO, slots=-1))],
        [control.encode(replace(HELLO, session=10**30))],
        [control.encode(replace(HELLO, session=-1))],
    ],
)
async def test_nonsense_ends_the_connection_and_nothing_else(
    manager: Manager, frames: list[str | bytes]
) -> None:
    worker = await manager.worker()

    assert await manager.close_code(worker, *frames) == control.CLOSE_MALFORMED
    async with manager.host(worker):
        pass


# --- workers that are set aside -------------------------------------------------------------------

FULL = {"disk-full": {"reason": "A disk is full.", "task_types": []}}


async def has_causes(manager: Manager, worker: str, *causes: str) -> bool:
    stored = from_json((await manager.row(worker)).set_aside)
    return [aside.cause for aside in stored] == list(causes)


async def test_a_host_is_set_aside_until_it_says_otherwise(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.SetAside(FULL))
        await manager.eventually_true(lambda: has_causes(manager, worker, "disk-full"))

        await manager.say(socket, control.SetAside({}))
        await manager.eventually_true(lambda: has_causes(manager, worker))


async def test_a_hello_says_all_causes(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, asides=FULL)):
        assert await has_causes(manager, worker, "disk-full")

    async with manager.host(worker):
        assert await has_causes(manager, worker)


async def test_a_forgiven_worker_and_its_host_are_told(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, asides=FULL)) as (socket, _):
        await manager.hosts.forgive(worker)

        assert await manager.hear(socket) == control.Forgive()


# --- deleted workers ------------------------------------------------------------------------------


async def test_the_host_of_a_deleted_worker_is_sent_away(manager: Manager) -> None:
    worker, other = await manager.worker(), await manager.worker()
    async with manager.host(worker) as (socket, _), manager.host(other) as (kept, _):
        async with manager.database.writing() as session:
            row = await workers.existing_worker_to_change(session, worker)
            await workers.delete_worker(session, row)

        # Nobody told this manager: another one of the farm may have deleted it.
        async with asyncio.timeout(30):
            await socket.wait_closed()

        assert socket.close_code == control.CLOSE_DISMISSED
        assert kept.close_code is None


async def test_a_deleted_worker_that_says_hello_is_sent_away(manager: Manager) -> None:
    worker = await manager.worker()
    await manager.set_worker(worker, deleted_at=utc_now())

    code = await manager.close_code(worker, control.encode(HELLO))

    assert code == control.CLOSE_DISMISSED


# --- sleep schedules ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("says_hello_as", "becomes"),
    [("", WorkerStatus.ASLEEP), ("awake", WorkerStatus.AWAKE), ("asleep", WorkerStatus.ASLEEP)],
)
async def test_a_host_that_has_just_begun_is_what_its_sleep_schedule_says(
    manager: Manager, says_hello_as: str, becomes: WorkerStatus
) -> None:
    worker = await manager.worker()
    always = SleepSchedule(is_active=True)
    async with manager.database.writing() as session:
        row = await workers.existing_worker_to_change(session, worker)
        await sleep_schedules.save(session, row, always, utc_now())
    await manager.set_worker(worker, status=WorkerStatus.STARTING, status_requested=None)

    async with manager.host(worker, replace(HELLO, status=says_hello_as)) as (_, welcome):
        assert welcome.status == becomes


# --- presence -------------------------------------------------------------------------------------


async def test_everybody_is_present_until_the_manager_has_listened_long_enough(
    manager: Manager,
) -> None:
    manager.clock.now += 29

    assert manager.hosts.is_present("somebody who has not been heard of")

    manager.clock.now += 2
    assert not manager.hosts.is_present("somebody who has not been heard of")


async def test_a_host_is_present_for_as_long_as_it_beats(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        manager.clock.now += 60
        await manager.eventually(lambda: not manager.hosts.is_present(worker))
        changes = manager.changes

        await manager.say(socket, control.Beat({"cpu_percent": 3.0}))
        await manager.eventually(lambda: manager.hosts.is_present(worker))

        assert manager.hosts.statistics(worker).cpu_percent == 3.0
        assert manager.changes >= changes


async def test_a_disconnect_alone_makes_nobody_absent(manager: Manager) -> None:
    worker = await manager.worker()
    manager.clock.now += 60
    async with manager.host(worker):
        pass
    await manager.eventually(lambda: worker not in manager.hosts.connected)

    assert manager.hosts.is_present(worker)
    assert (await manager.row(worker)).status is not WorkerStatus.ERROR


async def test_the_keeper_is_woken_when_a_host_falls_silent(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat({"cpu_percent": 3.0}))
        await manager.eventually(lambda: manager.hosts.statistics(worker).cpu_percent)
        changes = manager.changes

        manager.clock.now += 60
        await manager.eventually(lambda: manager.changes > changes)

        assert manager.hosts.statistics(worker) == MachineStatistics()


async def test_beats_are_stored_now_and_then_as_last_seen(manager: Manager) -> None:
    worker = await manager.worker()
    before = utc_now()
    async with manager.host(worker) as (socket, _):
        await manager.say(socket, control.Beat())

        async def seen() -> bool:
            last_seen = (await manager.row(worker)).last_seen
            return last_seen is not None and last_seen > before

        await manager.eventually_true(seen)
