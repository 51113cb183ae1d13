"""The control channel on a real database, served on loopback, and hosts that speak to it."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from fastapi import FastAPI, WebSocket
from sqlalchemy import update
from websockets.asyncio.client import ClientConnection, connect

from manager_api.database import events
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import LeaseRow, LeaseState, TaskRow, WorkerRow
from manager_api.hosts.channel import ChannelSettings, Hosts
from manager_api.hosts.records import SqlHostRecords
from manager_api.jobs import task_store as tasks
from manager_api.jobs.insertion import insert_job
from manager_api.logs.task_logs import TaskLogs
from manager_api.web.tablao.host import host_router
from manager_api.workers import store as workers
from manager_api.workers.store import NewWorker
from tests.manager.databases import new_job
from workflows.domain import control
from workflows.domain.job_types.definitions import AuthoredCommand, AuthoredTask, CompiledJob
from workflows.domain.messages import RunKey
from workflows.domain.statuses import TaskStatus

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
        self.hosts = Hosts(
            SqlHostRecords(database, self.logs), self.logs, settings, clock=self.clock
        )
        self.changes = 0
        self.void: set[str] = set()
        """What hosts show in place of a secret and does not count any more."""
        self.hosts.on_change = self._changed
        self.port = 0

    def _changed(self) -> None:
        self.changes += 1

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        async def worker_id(socket: WebSocket) -> str | None:
            is_void = socket.headers.get("x-secret") in self.void
            return None if is_void else socket.headers.get("x-worker")

        app = FastAPI()
        app.include_router(host_router(self.hosts, worker_id))
        config = uvicorn.Config(app, port=0, log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        keeping = asyncio.create_task(self.hosts.run())
        await self.eventually(lambda: server.started)
        self.port = server.servers[0].sockets[0].getsockname()[1]
        yield
        server.should_exit = True
        await serving
        keeping.cancel()

    @asynccontextmanager
    async def host(
        self, worker_id: str, hello: control.Hello = HELLO, secret: str = ""
    ) -> AsyncIterator[tuple[ClientConnection, control.Welcome]]:
        """A host that said hello, and its welcome."""
        async with connect(
            f"ws://127.0.0.1:{self.port}{control.PATH}",
            additional_headers={"x-worker": worker_id, "x-secret": secret},
        ) as socket:
            await self.say(socket, hello)
            welcome = await self.hear(socket)
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
        task = AuthoredTask("a task", "blender", (AuthoredCommand("echo", {}, 24),))
        job = new_job("tangos", "echo")
        lease = LeaseRow(
            id=str(uuid4()), worker_id=worker_id, session=1, slot=0, generation=1,
            job_id=job.job_id, run=1, state=LeaseState.HELD, epoch=1, changed=utc_now(),
        )  # fmt: skip
        async with self.database.writing() as session:
            await insert_job(session, CompiledJob(job, [task] * 3))
            session.add(lease)
        key = RunKey(job.job_id, index, 1, 1)
        await self.set_task(key, status=TaskStatus.ACTIVE, attempt=1, worker_id=worker_id)
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
            return await tasks.existing_task_of_job(session, key.job_id, key.index)

    async def told(self, topic: str) -> list[dict[str, Any]]:
        """Payloads of the events of one topic."""
        async with self.database.reading() as session:
            return [row.payload for row in await events.since(session, 0, topics=[topic])]

    @staticmethod
    async def say(socket: ClientConnection, message: control.Message) -> None:
        await socket.send(control.encode(message))

    @staticmethod
    async def hear(socket: ClientConnection) -> control.Message | None:
        async with asyncio.timeout(10):
            return control.decode(await socket.recv())

    @staticmethod
    async def eventually(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110 - what is waited for sets no event
                await asyncio.sleep(0.005)

    @staticmethod
    async def eventually_true(condition: Callable[[], Awaitable[object]]) -> None:
        async with asyncio.timeout(10):
            while not await condition():  # noqa: ASYNC110 - the database sets no event
                await asyncio.sleep(0.005)
