"""What the manager makes of its hosts: sessions, presence, authority, orders, progress."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI, WebSocket
from sqlalchemy import update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from manager_api.db import events, tasks, workers
from manager_api.db.engine import Database, utc_now
from manager_api.db.migrate import upgrade
from manager_api.db.submission import NewJob, NewTask, insert_job
from manager_api.db.tables import JobRow, LeaseRow, LeaseState, TaskRow, WorkerRow
from manager_api.db.workers import NewWorker
from manager_api.host_records import SqlHostRecords
from manager_api.hosts import ChannelSettings, Hosts
from manager_api.routers.tablao.host import host_router
from manager_api.task_logs import TaskLogs
from workflows.domain import control
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus, WorkerStatus

HELLO = control.Hello(slots=2, software="Tablao")


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Manager:
    """The channel on a real database, served on loopback; its clock is the test's."""

    def __init__(self, directory: Path, database: Database) -> None:
        self.database = database
        self.clock = Clock()
        self.logs = TaskLogs(directory / "job-files")
        settings = ChannelSettings(beat_s=5, lost_after_s=15, seen_every_s=0.02, steps_every_s=0.02)
        self.hosts = Hosts(SqlHostRecords(database), self.logs, settings, clock=self.clock)
        self.changes = 0
        self.hosts.on_change = self._changed
        self.port = 0

    def _changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async def worker_id(socket: WebSocket) -> str | None:
            return socket.headers.get("x-worker")

        app = FastAPI()
        app.include_router(host_router(self.hosts, worker_id))
        config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        keeping = asyncio.create_task(self.hosts.run())
        await eventually(lambda: server.started)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        yield
        server.should_exit = True
        await serving
        keeping.cancel()

    @asynccontextmanager
    async def host(
        self, worker_id: str, hello: control.Hello = HELLO
    ) -> AsyncIterator[tuple[ClientConnection, control.Welcome]]:
        """A host that said hello, and its welcome."""
        async with connect(
            f"ws://127.0.0.1:{self.port}{control.PATH}", additional_headers={"x-worker": worker_id}
        ) as socket:
            await say(socket, hello)
            welcome = await hear(socket)
            assert isinstance(welcome, control.Welcome)
            yield socket, welcome

    async def close_code(self, worker_id: str, *frames: str | bytes) -> int | None:
        """How a connection ends on which these frames are sent."""
        async with connect(
            f"ws://127.0.0.1:{self.port}{control.PATH}", additional_headers={"x-worker": worker_id}
        ) as socket:
            for frame in frames:
                await socket.send(frame)
            async with asyncio.timeout(10):
                await socket.wait_closed()
        return socket.close_code

    async def worker(self) -> str:
        new = NewWorker(str(uuid4()), "carmen", "hash", "linux", ["blender"])
        async with self.database.writing() as session:
            await workers.register(session, new)
        return new.id

    async def set_worker(self, worker_id: str, **values: Any) -> None:
        async with self.database.writing() as session:
            await session.execute(
                update(WorkerRow).where(WorkerRow.id == worker_id).values(**values)
            )

    async def row(self, worker_id: str) -> WorkerRow:
        async with self.database.reading() as session:
            row = await session.get(WorkerRow, worker_id)
        assert row is not None
        return row

    async def running(self, worker_id: str, index: int = 1) -> RunKey:
        """A job of three tasks; the worker is lent to it and runs one of them."""
        new_task = NewTask("a task", "blender", 50, [{"name": "echo", "total_step_count": 24}])
        job = NewJob(str(uuid4()), "tangos", "echo", 50, [new_task] * 3)
        lease = LeaseRow(
            id=str(uuid4()), worker_id=worker_id, session=1, slot=0, generation=1, job_id=job.id,
            run=1, state=LeaseState.HELD, epoch=1, changed=utc_now(),
        )  # fmt: skip
        async with self.database.writing() as session:
            await insert_job(session, job)
            session.add(lease)
        key = RunKey(job.id, index, 1, 1)
        await self.set_task(key, status=TaskStatus.ACTIVE, attempt=1)
        return key

    async def set_task(self, key: RunKey, **values: Any) -> None:
        async with self.database.writing() as session:
            await session.execute(
                update(TaskRow)
                .where(TaskRow.job_id == key.job_id, TaskRow.index_in_job == key.index)
                .values(**values)
            )

    async def return_leases(self) -> None:
        async with self.database.writing() as session:
            await session.execute(update(LeaseRow).values(state=LeaseState.RETURNED))

    async def task(self, key: RunKey) -> TaskRow:
        async with self.database.reading() as session:
            row = await tasks.task_by_index(session, key.job_id, key.index)
        assert row is not None
        return row

    async def told(self, topic: str) -> list[dict[str, Any]]:
        """Payloads of the events of one topic."""
        async with self.database.reading() as session:
            return [row.payload for row in await events.since(session, 0, topics=[topic])]


async def say(socket: ClientConnection, message: control.Message) -> None:
    await socket.send(control.encode(message))


async def hear(socket: ClientConnection) -> control.Message | None:
    async with asyncio.timeout(10):
        return control.decode(await socket.recv())


async def eventually(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.005)


async def eventually_true(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(10):
        while not await condition():  # noqa: ASYNC110 - the database sets no event
            await asyncio.sleep(0.005)


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy."""
    path = tmp_path_factory.mktemp("hosts") / "migrated.sqlite"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
async def manager(migrated: Path, tmp_path: Path) -> AsyncIterator[Manager]:
    path = shutil.copy(migrated, tmp_path / "tablao.sqlite")
    database = Database(f"sqlite+aiosqlite:///{path}")
    manager = Manager(tmp_path, database)
    async with manager.serving():
        yield manager
    await database.close()


# --- sessions -------------------------------------------------------------------------------------


async def test_each_new_process_gets_a_session_of_its_own(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker, replace(HELLO, runs=("job.1.1.1",))) as (_, first):
        pass

    async with manager.host(worker) as (_, second):
        row = await manager.row(worker)

    assert (first.session, second.session) == (1, 2)
    assert (row.session, row.slots, row.live_runs) == (2, 2, [])


async def test_a_session_stores_which_runs_live(manager: Manager) -> None:
    worker = await manager.worker()

    async with manager.host(worker, replace(HELLO, runs=("job.1.1.1",))):
        row = await manager.row(worker)

    assert row.live_runs == ["job.1.1.1"]


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
        await manager.hosts.settled(worker, RunKey("job", 1, 1, 1))
        assert await hear(newest) == control.Settled("job.1.1.1")


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
    ],
)
async def test_nonsense_ends_the_connection_and_nothing_else(
    manager: Manager, frames: list[str | bytes]
) -> None:
    worker = await manager.worker()

    assert await manager.close_code(worker, *frames) == control.CLOSE_MALFORMED
    async with manager.host(worker):
        pass


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
        await eventually(lambda: not manager.hosts.is_present(worker))
        changes = manager.changes

        await say(socket, control.Beat({"cpu_percent": 3.0}))
        await eventually(lambda: manager.hosts.is_present(worker))

        assert manager.hosts.statistics(worker) == {"cpu_percent": 3.0}
        assert manager.changes >= changes


async def test_a_disconnect_alone_makes_nobody_absent(manager: Manager) -> None:
    worker = await manager.worker()
    manager.clock.now += 60
    async with manager.host(worker):
        pass
    await eventually(lambda: worker not in manager.hosts.connected)

    assert manager.hosts.is_present(worker)
    assert (await manager.row(worker)).status is not WorkerStatus.ERROR


async def test_the_keeper_is_woken_when_a_host_falls_silent(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        await say(socket, control.Beat({"cpu_percent": 3.0}))
        await eventually(lambda: manager.hosts.statistics(worker))
        changes = manager.changes

        manager.clock.now += 60
        await eventually(lambda: manager.changes > changes)

        assert manager.hosts.statistics(worker) == {}


async def test_beats_are_stored_now_and_then_as_last_seen(manager: Manager) -> None:
    worker = await manager.worker()
    before = utc_now()
    async with manager.host(worker) as (socket, _):
        await say(socket, control.Beat())

        async def seen() -> bool:
            last_seen = (await manager.row(worker)).last_seen
            return last_seen is not None and last_seen > before

        await eventually_true(seen)


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
            await say(socket, control.StatusReport("asleep"))

        async def is_asleep() -> bool:
            return (await manager.row(worker)).status is WorkerStatus.ASLEEP

        await eventually_true(is_asleep)

    assert not (await manager.row(worker)).status_requested
    told = await manager.told("/workers")
    assert [event["status"] for event in told] == ["asleep"]


async def test_orders_go_to_the_host_that_is_connected(manager: Manager) -> None:
    worker = await manager.worker()
    async with manager.host(worker) as (socket, _):
        assert await manager.hosts.order_status(worker, WorkerStatus.ASLEEP)
        assert await hear(socket) == control.StatusOrder("asleep")

    await eventually(lambda: worker not in manager.hosts.connected)
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


async def test_logs_are_stored_by_offset_and_acknowledged(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        await say(socket, control.LogPiece(str(key), 0, b"one "))
        await say(socket, control.LogPiece(str(key), 0, b"one two"))

        acks = [await hear(socket), await hear(socket)]

    assert acks == [control.LogAck(str(key), 4), control.LogAck(str(key), 7)]
    task_id = (await manager.task(key)).id
    assert await manager.logs.tail(key.job_id, task_id, 1) == "one two"


async def test_a_log_of_a_run_that_was_never_this_workers_is_thrown_away(manager: Manager) -> None:
    worker, stranger = await manager.worker(), await manager.worker()
    key = await manager.running(worker)
    async with manager.host(stranger) as (socket, _):
        await say(socket, control.LogPiece(str(key), 0, b"forged"))

        assert await hear(socket) == control.LogAck(str(key), 6)

    assert await manager.logs.size(key.job_id, (await manager.task(key)).id, 1) == 0


async def test_steps_are_stored_together_and_told(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        for steps in range(1, 8):
            await say(
                socket, control.Progress(str(key), {"steps_completed": steps, "frame": steps})
            )

        async def is_stored() -> bool:
            return (await manager.task(key)).steps_completed == 7

        await eventually_true(is_stored)

        assert manager.hosts.progress(key.job_id, key.index)["frame"] == 7
    async with manager.database.reading() as session:
        job = await session.get(JobRow, key.job_id)
    assert job is not None
    assert job.steps_completed == 7
    assert (await manager.told(f"/jobs/{key.job_id}"))[-1]["steps_completed"] == 7


async def test_progress_is_forgotten_with_the_run(manager: Manager) -> None:
    worker = await manager.worker()
    key = await manager.running(worker)
    async with manager.host(worker) as (socket, _):
        await say(socket, control.Progress(str(key), {"frame": 7}))
        await eventually(lambda: manager.hosts.progress(key.job_id, key.index))

        await manager.hosts.settled(worker, key)

    assert manager.hosts.progress(key.job_id, key.index) == {}
