"""A manager's web application on a real database; only the way to Temporal is a stand-in."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import jsonschema  # type: ignore[import-untyped] # it publishes no types
import pytest
import uvicorn
from sqlalchemy import select, update

from manager_api.app import build_app
from manager_api.configuration import Configuration
from manager_api.db import events, jobs
from manager_api.db.engine import Database
from manager_api.db.migrate import upgrade
from manager_api.db.tables import HandBackRow, JobRow, TaskRow, WorkerRow
from manager_api.dependencies import ManagerParts
from manager_api.job_types.farm import farm_job_types
from manager_api.settings import ManagerSettings
from workflows.domain.job.transitions import check_job_action
from workflows.domain.messages import Change
from workflows.domain.statuses import JobStatus

SECRET = "duende" * 8
#: What the document itself gets wrong: it requires fields that it does not have.
REQUIRED_BUT_UNKNOWN = {
    "ManagerVariable": "name",
    "RegisteredWorker": "current_task",
    "JobTasksSummary": "jobs",
    "EventLastRenderedUpdate": "task_id",
}


class StandInControl:
    """Refuses what the action table refuses, and remembers the rest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.started: list[tuple[str, int]] = []
        self.changes: list[tuple[str, Change]] = []
        self.refusal: Exception | None = None

    async def change(self, job_id: str, change: Change) -> None:
        if self.refusal is not None:
            raise self.refusal
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
        assert row is not None
        if change.action is not None:
            check_job_action(row.status, change.action)
        self.changes.append((job_id, change))

    async def start(self, job_id: str, run: int) -> None:
        self.started.append((job_id, run))


@dataclass
class Farm:
    """What tests do behind the API's back."""

    parts: ManagerParts
    control: StandInControl
    ended: frozenset[JobStatus] = field(
        default=frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED})
    )

    async def set_job(self, job_id: str, **values: Any) -> None:
        if "status" in values:
            values.setdefault("is_ended", values["status"] in self.ended)
        async with self.parts.database.writing() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))

    async def set_task(self, task_id: str, **values: Any) -> None:
        async with self.parts.database.writing() as session:
            await session.execute(update(TaskRow).where(TaskRow.id == task_id).values(**values))

    async def set_worker(self, worker_id: str, **values: Any) -> None:
        async with self.parts.database.writing() as session:
            await session.execute(
                update(WorkerRow).where(WorkerRow.id == worker_id).values(**values)
            )

    async def job(self, job_id: str) -> JobRow:
        async with self.parts.database.reading() as session:
            row = await jobs.job(session, job_id)
        assert row is not None
        return row

    async def hand_back(self, job_id: str, worker_id: str) -> None:
        """The job had no use for the worker."""
        async with self.parts.database.writing() as session:
            session.add(HandBackRow(job_id=job_id, worker_id=worker_id, demand_version=1))

    async def hand_backs(self) -> list[tuple[str, str]]:
        async with self.parts.database.reading() as session:
            rows = await session.scalars(select(HandBackRow))
            return [(row.job_id, row.worker_id) for row in rows]

    async def told(self, topic: str) -> list[dict[str, Any]]:
        """Payloads of the stored events with this topic."""
        async with self.parts.database.reading() as session:
            rows = await events.since(session, 0, topics=[topic])
        return [row.payload for row in rows]


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "tablao.sqlite"
    upgrade(f"sqlite+aiosqlite:///{path}")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data", max_json_bytes=4 * 1024**2)


@pytest.fixture
async def farm(settings: ManagerSettings, empty_database: Path) -> AsyncIterator[Farm]:
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(empty_database, settings.data_dir / "tablao.sqlite")
    database = Database(settings.database_url)
    control = StandInControl(database)
    configuration = Configuration(settings)
    registry = farm_job_types(lambda: configuration.settings)
    yield Farm(ManagerParts.assembled(configuration, database, registry, control), control)
    await database.close()


@pytest.fixture
async def api(farm: Farm) -> AsyncIterator[httpx.AsyncClient]:
    """A client on this machine."""
    app = build_app(farm.parts)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        yield await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://localhost:8080")
        )


@pytest.fixture
async def served(farm: Farm) -> AsyncIterator[str]:
    """`host:port` of a real server, for WebSockets and real connections."""
    config = uvicorn.Config(build_app(farm.parts), port=0, log_level="warning", lifespan="on")
    server = uvicorn.Server(config)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_running(server))
        await _has_told_its_start(farm)
        port = server.servers[0].sockets[0].getsockname()[1]
        yield f"127.0.0.1:{port}"


async def _has_told_its_start(farm: Farm) -> None:
    """That it started, and the farm's status; else they came between what a test waits for."""
    async with asyncio.timeout(30):
        while farm.parts.events.newest < 2:  # noqa: ASYNC110 -- nothing says so but the number
            await asyncio.sleep(0.01)


class _running:  # noqa: N801 -- used like a function
    def __init__(self, server: uvicorn.Server) -> None:
        self._server = server

    async def __aenter__(self) -> None:
        self._server.config.load()
        self._server.lifespan = self._server.config.lifespan_class(self._server.config)
        await self._server.startup()

    async def __aexit__(self, *_: object) -> None:
        await self._server.shutdown()


@pytest.fixture
def echo_job() -> dict[str, Any]:
    """A submission that makes an echo task and two sleeping ones."""
    return {
        "name": "bulería",
        "type": "echo-sleep-test",
        "priority": 50,
        "submitter_platform": "linux",
        "settings": {"message": "olé", "sleep_duration_seconds": 1, "sleep_repeats": 2},
        "metadata": {"user.name": "Camarón"},
    }


@pytest.fixture
def submit(
    api: httpx.AsyncClient, echo_job: dict[str, Any]
) -> Callable[..., Awaitable[dict[str, Any]]]:
    """Submits `echo_job` with other fields; returns the job."""

    async def submit(**fields: Any) -> dict[str, Any]:
        answer = await api.post("/api/v3/jobs", json=echo_job | fields)
        assert answer.status_code == 200, answer.text
        job: dict[str, Any] = answer.json()
        return job

    return submit


@pytest.fixture
def tasks_of(api: httpx.AsyncClient) -> Callable[[str], Awaitable[list[dict[str, Any]]]]:
    async def tasks_of(job_id: str) -> list[dict[str, Any]]:
        tasks: list[dict[str, Any]] = (await api.get(f"/api/v3/jobs/{job_id}/tasks")).json()[
            "tasks"
        ]
        return tasks

    return tasks_of


@pytest.fixture
def register(api: httpx.AsyncClient) -> Callable[..., Awaitable[httpx.BasicAuth]]:
    """Registers a worker; returns its credentials. `auth.id` is its id."""

    async def register(name: str = "carmen", **fields: Any) -> httpx.BasicAuth:
        registration = {
            "name": name,
            "secret": SECRET,
            "platform": "linux",
            "supported_task_types": ["blender", "misc"],
        }
        answer = await api.post("/api/v3/worker/register-worker", json=registration | fields)
        assert answer.status_code == 200, answer.text
        return Credentials(answer.json()["uuid"], SECRET)

    return register


class Credentials(httpx.BasicAuth):
    def __init__(self, worker_id: str, secret: str) -> None:
        super().__init__(worker_id, secret)
        self.id = worker_id


@pytest.fixture
def sign_on() -> dict[str, Any]:
    return {
        "name": "carmen",
        "supported_task_types": ["blender", " Misc "],
        "software_version": "3.8.5",
    }


@pytest.fixture(scope="session")
def contract() -> dict[str, Any]:
    """Flamenco's interface, with what it contradicts itself in put right."""
    document: dict[str, Any] = json.loads(
        (Path(__file__).parent / "flamenco-v3.json").read_text(encoding="utf-8")
    )
    for schema, name in REQUIRED_BUT_UNKNOWN.items():
        document["components"]["schemas"][schema]["required"].remove(name)
    # Between registration and first sign-on a worker's status is empty.
    document["components"]["schemas"]["WorkerStatus"]["enum"].append("")
    return document


@pytest.fixture
def fits(contract: dict[str, Any]) -> Callable[[str, Any], None]:
    """Fails if a value is not what the contract calls so."""

    def fits(schema: str, value: Any) -> None:
        jsonschema.validate(
            value,
            {"$ref": f"#/components/schemas/{schema}", "components": contract["components"]},
            format_checker=jsonschema.FormatChecker(),
        )

    return fits


@pytest.fixture
def eventually() -> Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]:
    """Waits until `await condition()` is true, and returns what it is."""

    async def eventually(condition: Callable[[], Awaitable[Any]]) -> Any:
        async with asyncio.timeout(10):
            # What we wait for is seen from outside only: nothing could set an event.
            while not (value := await condition()):  # noqa: ASYNC110 -- see above
                await asyncio.sleep(0.02)
        return value

    return eventually


@pytest.fixture
def unknown_id() -> str:
    return str(uuid4())
