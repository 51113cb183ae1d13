"""Measures a cell without any of ours, on a Temporal with the farm's own settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client

from manager_api.temporal.server import TemporalServer
from tests.bench.dispatch.cells import Cell
from tests.bench.dispatch.floor_worker import WORKFLOWS, FloorWorkflow, Work
from tests.bench.dispatch.measured import Dispatch
from tests.bench.dispatch.processes import CpuClock, Reported, python, reporting, resident_mb

_MODULE = "tests.bench.dispatch.floor_worker"


class Floor:
    def __init__(
        self, cell: Cell, client: Client, reported: Reported, pids: dict[str, int]
    ) -> None:
        self._cell = cell
        self._client = client
        self._reported = reported
        self._pids = pids

    async def warm_up(self) -> None:
        await self._run("warm-up", 2, 0)

    async def dispatch(self) -> Dispatch:
        clock = CpuClock(self._pids)
        jobs = await self._run("job", self._cell.tasks_per_host, self._cell.seconds)
        return Dispatch(self._reported.of(jobs), clock.seconds(), resident_mb(self._pids))

    async def _run(self, name: str, tasks_per_host: int, seconds: int) -> list[str]:
        works = [
            Work(f"{name}-{number}", list(hosts), len(hosts) * tasks_per_host, seconds)
            for number, hosts in enumerate(self._cell.shares)
        ]
        handles = [
            await self._client.start_workflow(
                FloorWorkflow.run, work, id=work.job, task_queue=WORKFLOWS
            )
            for work in works
        ]
        for handle in handles:
            await handle.result()
        jobs = [work.job for work in works]
        await self._reported.wait_for(jobs, sum(work.tasks for work in works), 60)
        return jobs


@asynccontextmanager
async def floor(cell: Cell, folder: Path) -> AsyncIterator[Floor]:
    server = TemporalServer(folder / "temporal")
    await server.start()
    try:
        arguments = ["-m", _MODULE]
        log = folder / "floor.log"
        async with (
            python([*arguments, "workflows", server.address, "0"], log) as workflows,
            reporting([*arguments, "hosts", server.address, str(cell.hosts)], log) as told,
        ):
            reported, hosts = told
            pids = {"workflows": workflows.pid, "temporal": server.pid, "hosts": hosts.pid}
            yield Floor(cell, await Client.connect(server.address), reported, pids)
    finally:
        await server.stop()
