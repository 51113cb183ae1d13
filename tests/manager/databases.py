"""Fixtures for stores: each test that takes `db` runs on SQLite and on a real PostgreSQL."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import create_async_engine

from manager_api.database import events
from manager_api.database.engine import Database, utc_now
from manager_api.database.migrate import upgrade
from manager_api.jobs.insertion import insert_job
from manager_api.workers import store as workers
from manager_api.workers.store import NewWorker
from tests.manager.postgres import postgres_server
from workflows.domain.job_types.definitions import (
    AuthoredCommand,
    AuthoredTask,
    CompiledJob,
    SubmittedJob,
)
from workflows.domain.statuses import WorkerStatus

_numbers = count(1)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    with postgres_server() as url:
        yield url


def create_database(server_url: str, name: str, template: str = "template1") -> str:
    """Blocks; returns the new database's URL."""

    async def create() -> None:
        engine = create_async_engine(server_url, isolation_level="AUTOCOMMIT")
        async with engine.connect() as connection:
            await connection.execute(text(f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
        await engine.dispose()

    asyncio.run(create())
    return make_url(server_url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def migrated_postgres(postgres_url: str) -> str:
    """Name of a database to copy."""
    upgrade(create_database(postgres_url, "migrated"))
    return "migrated"


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file to copy."""
    path = tmp_path_factory.mktemp("db") / "migrated.sqlite"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.sqlite"
    server: str = request.getfixturevalue("postgres_url")
    return create_database(server, f"empty{next(_numbers)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated, empty database."""
    if request.param == "sqlite":
        path = tmp_path / "tablao.sqlite"
        shutil.copy(request.getfixturevalue("migrated_sqlite"), path)
        return f"sqlite+aiosqlite:///{path}"
    server: str = request.getfixturevalue("postgres_url")
    template: str = request.getfixturevalue("migrated_postgres")
    return create_database(server, f"test{next(_numbers)}", template)


@pytest.fixture
async def db(url: str) -> AsyncIterator[Database]:
    database = Database(url)
    yield database
    await database.close()


def job_with(count: int, **fields: Any) -> CompiledJob:
    """A job of so many one-command tasks of type `blender`, ten steps each."""
    echo = (AuthoredCommand("echo", {"message": "olé"}, 10),)
    tasks = [AuthoredTask(f"task {n}", "blender", echo) for n in range(1, count + 1)]
    return CompiledJob(replace(new_job("tangos", "echo"), **fields), tasks)


def new_job(name: str, job_type: str, **fields: Any) -> SubmittedJob:
    return SubmittedJob(str(uuid4()), name, job_type, utc_now(), **fields)


@pytest.fixture
def insert(db: Database) -> Callable[..., Awaitable[str]]:
    """Stores a job of so many tasks, other fields as given; returns its id."""

    async def insert(count: int = 3, **fields: Any) -> str:
        async with db.writing() as session:
            return (await insert_job(session, job_with(count, **fields))).id

    return insert


@pytest.fixture
def worker(db: Database) -> Callable[..., Awaitable[str]]:
    """Registers a worker whose host has signed on once; returns its id."""

    async def register(name: str = "carmen", slots: int = 1) -> str:
        new = NewWorker(str(uuid4()), name, "hash", "linux", ["blender", "misc"])
        async with db.writing() as session:
            row = await workers.register(session, new)
            workers.begin_session(session, row, slots, [])
            workers.set_status(session, row, WorkerStatus.AWAKE)
        return new.id

    return register


@pytest.fixture
def told(db: Database) -> Callable[..., Awaitable[list[tuple[str, dict[str, Any]]]]]:
    """The events since the last call: (topic, payload)."""
    last = 0

    async def told() -> list[tuple[str, dict[str, Any]]]:
        nonlocal last
        async with db.reading() as session:
            rows = await events.since(session, last)
        last = rows[-1].id if rows else last
        return [(row.topic, dict(events.for_clients(row.payload))) for row in rows]

    return told
