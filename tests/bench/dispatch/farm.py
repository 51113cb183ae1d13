"""Measures a cell on a real farm: `tablao manager` with its Temporal, and simulated hosts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import insert

from manager_api.cli.supervise import free_port
from manager_api.database.engine import Database
from manager_api.database.tables import WorkerTagMembershipRow, table_of
from manager_api.workers.tag_store import insert_tag
from tests.bench.dispatch.cells import Cell
from tests.bench.dispatch.measured import Dispatch, Submission
from tests.bench.dispatch.processes import (
    BenchFailed,
    CpuClock,
    Reported,
    python,
    reporting,
    resident_mb,
)
from tests.bench.dispatch.simulated_hosts import host_name

_READY_S = 120.0
#: Each host of a large farm takes its time to join, as all are on one machine.
_READY_PER_HOST_S = 0.5
_ENDED_S = 60.0
_LOOK_EVERY_S = 0.05


class Farm:
    def __init__(
        self, cell: Cell, http: httpx.AsyncClient, reported: Reported, pids: dict[str, int]
    ) -> None:
        self._cell = cell
        self._http = http
        self._reported = reported
        self._pids = pids
        self._tags: list[str | None] = [None]

    async def warm_up(self, data_dir: Path) -> None:
        """Wait for every host, give each job's hosts their tag, have each run something."""
        workers = await self._awake_workers()
        if self._cell.hosts > 1:
            self._tags = await _tag_workers(data_dir, self._cell, workers)
        await self._run(2, 0)

    async def dispatch(self) -> Dispatch:
        clock = CpuClock(self._pids)
        jobs = await self._run(self._cell.tasks_per_host, self._cell.seconds)
        return Dispatch(self._reported.of(jobs), clock.seconds(), resident_mb(self._pids))

    async def submissions(self, count: int) -> list[Submission]:
        """Jobs of one task, each submitted when the one before has ended."""
        found = []
        for _ in range(count):
            at = time.monotonic()
            job = await self._submit(None, 0, 0)
            answered = time.monotonic()
            (ran,) = await self._reported.wait_for([job], 1, _ENDED_S)
            found.append(Submission(answered - at, ran.began - at))
            await self._until_completed(job)
        return found

    async def _run(self, tasks_per_host: int, seconds: int) -> list[str]:
        shares = self._cell.shares
        counts = [len(hosts) * tasks_per_host for hosts in shares]
        jobs = [
            await self._submit(tag, count, seconds)
            for tag, count in zip(self._tags, counts, strict=True)
        ]
        # Each job begins with a task that echoes, on which the others depend.
        most_s = _READY_S + _READY_PER_HOST_S * self._cell.hosts
        most_s += 4 * tasks_per_host * (seconds + 1)
        await self._reported.wait_for(jobs, sum(counts) + len(jobs), most_s)
        for job in jobs:
            await self._until_completed(job)
        return jobs

    async def _submit(self, tag: str | None, sleeps: int, seconds: int) -> str:
        job: dict[str, Any] = {
            "name": f"{sleeps} tasks of {seconds} s",
            "type": "echo-sleep-test",
            "submitter_platform": "linux",
            "settings": {
                "message": "hello",
                "sleep_duration_seconds": seconds,
                "sleep_repeats": sleeps,
            },
        }
        answer = await self._http.post(
            "/api/v3/jobs", json=job | ({"worker_tag": tag} if tag else {})
        )
        if not answer.is_success:
            raise BenchFailed(f"the manager refused a job: {answer.text}")
        return str(answer.json()["id"])

    async def _until_completed(self, job: str) -> None:
        async with asyncio.timeout(_ENDED_S + _READY_PER_HOST_S * self._cell.hosts):
            while True:
                status = (await self._http.get(f"/api/v3/jobs/{job}")).json()["status"]
                if status == "completed":
                    return
                if status in ("failed", "canceled"):
                    raise BenchFailed(f"a job ended as {status}")
                await asyncio.sleep(_LOOK_EVERY_S)

    async def _awake_workers(self) -> dict[str, str]:
        """Ids by name."""
        async with asyncio.timeout(_READY_S + _READY_PER_HOST_S * self._cell.hosts):
            while True:
                workers = (await self._http.get("/api/v3/worker-mgt/workers")).json()["workers"]
                awake = {w["name"]: w["id"] for w in workers if w["status"] == "awake"}
                if len(awake) == self._cell.hosts:
                    return awake
                await asyncio.sleep(_LOOK_EVERY_S)


async def _tag_workers(data_dir: Path, cell: Cell, workers: dict[str, str]) -> list[str | None]:
    """Past the manager, which has no operation for it yet."""
    tags: list[str | None] = []
    database = Database(f"sqlite+aiosqlite:///{data_dir / 'tablao.sqlite'}")
    try:
        async with database.writing() as session:
            for number, hosts in enumerate(cell.shares):
                tag = f"00000000-0000-4000-8000-{number:012}"
                await insert_tag(session, tag, f"job {number}", "")
                rows = [{"worker_id": workers[host_name(host)], "tag_id": tag} for host in hosts]
                await session.execute(insert(table_of(WorkerTagMembershipRow)), rows)
                tags.append(tag)
    finally:
        await database.close()
    return tags


@asynccontextmanager
async def farm(cell: Cell, folder: Path) -> AsyncIterator[Farm]:
    data_dir = folder / "farm"
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    manager_options = ["manager", "--data-dir", str(data_dir), "--port", str(port)]
    async with (
        python(["-m", "manager_api.cli.main", *manager_options], folder / "manager.log") as manager,
        httpx.AsyncClient(base_url=url, timeout=60) as http,
    ):
        await until_it_answers(http, manager, folder / "manager.log")
        hosts_arguments = ["-m", "tests.bench.dispatch.simulated_hosts", url]
        hosts_arguments += [str(folder / "hosts"), str(cell.hosts)]
        async with reporting(hosts_arguments, folder / "hosts.log") as (reported, hosts):
            pids = {"manager": manager.pid, "temporal": temporal_of(manager.pid)}
            measured = Farm(cell, http, reported, pids | {"hosts": hosts.pid})
            await measured.warm_up(data_dir)
            yield measured


async def until_it_answers(
    http: httpx.AsyncClient, manager: asyncio.subprocess.Process, log: Path
) -> None:
    give_up_at = time.monotonic() + _READY_S
    while time.monotonic() < give_up_at:
        if manager.returncode is not None:
            raise BenchFailed(f"the manager ended; its log ends with {_last_words(log)}")
        try:
            if (await http.get("/api/v3/version")).is_success:
                return
        except httpx.TransportError:
            await asyncio.sleep(_LOOK_EVERY_S)
    raise BenchFailed("the manager did not answer in time")


def temporal_of(manager: int) -> int:
    for child in psutil.Process(manager).children():
        if child.name().startswith("temporal"):
            return child.pid
    raise BenchFailed("the manager has no Temporal of its own")


def _last_words(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:]
