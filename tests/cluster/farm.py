"""Two managers on one PostgreSQL and one Temporal cluster, and simulated hosts on both."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from sqlalchemy import Select

from manager_api.cli.supervise import free_port
from manager_api.database.engine import Database
from manager_api.settings.model import SETTINGS_FILE
from tests.bench.dispatch.farm import until_it_answers
from tests.bench.dispatch.processes import BenchFailed, Reported, python, reporting
from tests.bench.dispatch.records import Ran
from tests.cluster.temporal import NAMESPACE, Cluster, Credentials

MANAGERS = 2
#: Simulated hosts that share a process.
_TOGETHER = 50
_AWAKE_S = 600.0
_LOOK_EVERY_S = 0.5
JOB_TYPE = "echo-sleep-test"
#: Each job of the type begins with a task that echoes.
FURTHER_TASKS = 1


@dataclass(slots=True)
class Submitted:
    job: str
    tasks: int


@dataclass(slots=True)
class Farm:
    """What the lane knows of its farm, and may ask of it."""

    folder: Path
    database: Database
    https: Sequence[httpx.AsyncClient]
    """Requests to each manager."""
    logs: Sequence[Path]
    """Of each manager."""
    told: list[Reported] = field(default_factory=list)
    jobs: list[Submitted] = field(default_factory=list)

    def ran(self) -> list[Ran]:
        """Return the runs that hosts have ended so far."""
        jobs = {each.job for each in self.jobs}
        return [ran for reported in self.told for ran in reported.of(jobs)]

    def outstanding(self) -> int:
        """Return how many submitted tasks no host has ended."""
        ended = {(ran.job, ran.task) for ran in self.ran()}
        return sum(each.tasks for each in self.jobs) - len(ended)

    async def submit(self, tasks: int, seconds: int) -> None:
        """Submit a job of tasks of so many seconds, ± 20 %, to the managers by turns."""
        job = {
            "name": f"job {len(self.jobs) + 1}",
            "type": JOB_TYPE,
            "submitter_platform": "linux",
            "metadata": {"project": "cluster", "user.name": "lane"},
            "settings": {
                "message": "hello",
                "sleep_duration_seconds": seconds,
                "sleep_repeats": tasks - FURTHER_TASKS,
            },
        }
        http = self.https[len(self.jobs) % MANAGERS]
        answer = await http.post("/api/v3/jobs", json=job)
        if not answer.is_success:
            raise BenchFailed(f"a manager refused a job: {answer.text}")
        self.jobs.append(Submitted(str(answer.json()["id"]), tasks))

    async def statuses(self) -> dict[str, str]:
        """Return the statuses of the submitted jobs, by their ids."""
        jobs = (await self.https[0].get("/api/v3/jobs")).json()["jobs"]
        return {str(job["id"]): str(job["status"]) for job in jobs}

    async def workers(self) -> dict[str, str]:
        """Return the statuses of the workers, by their names."""
        workers = (await self.https[0].get("/api/v3/worker-mgt/workers")).json()["workers"]
        return {str(each["name"]): str(each["status"]) for each in workers}

    async def rows(self, statement: Select[*tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Return rows of the farm's database, read beside the managers."""
        async with self.database.reading() as session:
            return [tuple(row) for row in await session.execute(statement)]

    async def until_awake(self, hosts: int) -> None:
        async with asyncio.timeout(_AWAKE_S):
            while True:
                statuses = await self.workers()
                if sum(status == "awake" for status in statuses.values()) >= hosts:
                    return
                await asyncio.sleep(_LOOK_EVERY_S)


def _write_settings(
    data_dir: Path, shared: Path, database_url: str, temporal: Cluster, shown: Credentials
) -> None:
    data_dir.mkdir()
    settings = {
        "database": database_url,
        "shared_storage_path": str(shared / "storage"),
        "local_manager_storage_path": str(shared / "job-files"),
        # All hosts have the same address.
        "max_connections": 0,
        "autodiscoverable": False,
        "temporal_address": temporal.address,
        "temporal_namespace": NAMESPACE,
        "temporal_tls_ca": str(shown.authority),
        "temporal_tls_cert": str(shown.pair.certificate),
        "temporal_tls_key": str(shown.pair.key),
        "temporal_api_key": shown.token,
    }
    (data_dir / SETTINGS_FILE).write_text(yaml.safe_dump(settings))


@asynccontextmanager
async def farm(folder: Path, database_url: str, temporal: Cluster) -> AsyncIterator[Farm]:
    """Two managers without hosts; ended with the context, as are hosts that are added."""
    # As little as a farm needs; docs/temporal-cluster.md says so.
    shown = temporal.credentials("manager", [f"{NAMESPACE}:write"])
    async with AsyncExitStack() as stack:
        https, logs = [], []
        for number in range(1, MANAGERS + 1):
            data_dir = folder / f"manager{number}"
            _write_settings(data_dir, folder, database_url, temporal, shown)
            port = free_port("127.0.0.1")
            url = f"http://127.0.0.1:{port}"
            http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
            command = ["manager", "--data-dir", str(data_dir), "--port", str(port)]
            log = folder / f"manager{number}.log"
            starting = python(["-m", "manager_api.cli.main", *command], log)
            manager = await stack.enter_async_context(starting)
            await until_it_answers(http, manager, log)
            https.append(http)
            logs.append(log)
        database = Database(database_url)
        stack.push_async_callback(database.close)
        yield Farm(folder, database, https, logs)


@asynccontextmanager
async def hosts(of: Farm, count: int) -> AsyncIterator[None]:
    """Simulated hosts, whose processes connect to the managers by turns; all are awake."""
    async with AsyncExitStack() as stack:
        for number, first in enumerate(range(0, count, _TOGETHER)):
            together = min(_TOGETHER, count - first)
            manager = str(of.https[number % MANAGERS].base_url).rstrip("/")
            arguments = ["-m", "tests.bench.dispatch.simulated_hosts", manager]
            arguments += [str(of.folder / "hosts"), str(together), str(first)]
            log = of.folder / f"hosts-{first}.log"
            told, _ = await stack.enter_async_context(reporting(arguments, log))
            of.told.append(told)
            # All at once they would take the processors from the managers that they wait for.
            await of.until_awake(first + together)
        yield
