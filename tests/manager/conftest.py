"""A manager's web application on a real database, and databases for its stores."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
import uvicorn

from manager_api.database.engine import Database
from manager_api.job_types.farm import farm_job_types
from manager_api.jobs import control
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.dependencies import ManagerParts
from tests.contract.document import CONTRACT
from tests.contract.strict_answers import decoded
from tests.manager.api_calls import Fits, Register, Submit, TasksOf
from tests.manager.databases import (
    db,
    empty_url,
    insert,
    migrated_postgres,
    migrated_sqlite,
    postgres_url,
    told,
    url,
    worker,
)
from tests.manager.stand_in_farm import Farm, StandInControl

# pytest finds fixtures in a conftest only.
__all__ = [
    "db",
    "empty_url",
    "insert",
    "migrated_postgres",
    "migrated_sqlite",
    "postgres_url",
    "told",
    "url",
    "worker",
]

#: What the document itself gets wrong: it requires fields that it does not have.
REQUIRED_BUT_UNKNOWN = {
    "ManagerVariable": "name",
    "RegisteredWorker": "current_task",
    "JobTasksSummary": "jobs",
    "EventLastRenderedUpdate": "task_id",
}


@pytest.fixture
def settings(tmp_path: Path) -> ManagerSettings:
    return ManagerSettings(data_dir=tmp_path / "data", max_json_bytes=4 * 1024**2)


@pytest.fixture
async def farm(
    settings: ManagerSettings, migrated_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Farm]:
    # There is no workflow that could write.
    monkeypatch.setattr(control, "FIRST_WRITE_S", 0.05)
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    shutil.copy(migrated_sqlite, settings.data_dir / "tablao.sqlite")
    database = Database(settings.database_url)
    to_workflows = StandInControl(database)
    configuration = Configuration(settings)
    registry = farm_job_types(lambda: configuration.settings)
    yield Farm(
        ManagerParts.assembled(configuration, database, registry, to_workflows), to_workflows
    )
    await database.close()


@pytest.fixture
async def api(farm: Farm) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the manager's own user."""
    async with AsyncExitStack() as stack:
        await farm.parts.begin(stack)
        transport = httpx.ASGITransport(build_app(farm.parts), raise_app_exceptions=False)
        yield await stack.enter_async_context(
            httpx.AsyncClient(
                transport=transport,
                base_url="http://localhost:8080",
                headers={"authorization": f"Bearer {farm.parts.identities.local.token}"},
                event_hooks={"response": [_reads_as_generated_clients_do]},
            )
        )


@pytest.fixture
async def connected_api(farm: Farm, api: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """As `api`, of a manager to which all hosts are connected."""
    parts = replace(farm.parts, is_host_connected=lambda _: True)
    transport = httpx.ASGITransport(build_app(parts), raise_app_exceptions=False)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://localhost:8080", headers=api.headers
    ) as client:
        yield client


async def _reads_as_generated_clients_do(answer: httpx.Response) -> None:
    await answer.aread()
    decoded(answer)


@pytest.fixture
async def served(farm: Farm) -> AsyncIterator[str]:
    """`host:port` of a real server, for WebSockets and real connections."""
    config = uvicorn.Config(build_app(farm.parts), port=0, log_level="warning")
    server = uvicorn.Server(config)
    async with AsyncExitStack() as stack:
        await farm.parts.begin(stack)
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
def submit(api: httpx.AsyncClient, echo_job: dict[str, Any]) -> Submit:
    return Submit(api, echo_job)


@pytest.fixture
def tasks_of(api: httpx.AsyncClient) -> TasksOf:
    return TasksOf(api)


@pytest.fixture
def register(api: httpx.AsyncClient) -> Register:
    return Register(api)


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
    document: dict[str, Any] = json.loads(CONTRACT.read_text(encoding="utf-8"))
    for schema, name in REQUIRED_BUT_UNKNOWN.items():
        document["components"]["schemas"][schema]["required"].remove(name)
    # Between registration and first sign-on a worker's status is empty.
    document["components"]["schemas"]["WorkerStatus"]["enum"].append("")
    return document


@pytest.fixture
def fits(contract: dict[str, Any]) -> Fits:
    return Fits(contract)


@pytest.fixture
def unknown_id() -> str:
    return str(uuid4())
