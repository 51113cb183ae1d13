"""What the workers' proxy costs: `python -m tests.bench.tunnel`.

The same tasks go through the raw tunnel and through the proxy, in turns, so that other load on the
machine affects both. Hosts, manager and workflows are processes of their own; the manager consists
of its tunnel alone. Each task is one activity without any work: a poll, and an outcome.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.connections.tunnel_client import Tunnel
from manager_api.temporal.server import TemporalServer
from tests.bench.dispatch.processes import CpuClock, python, reporting, run
from tests.bench.dispatch.records import Ran, gaps, percentile
from tests.manager.temporal import proxied
from workflows.domain.messages import Outcome, OutcomeKind, worker_task_queue

_MODULE = "tests.bench.tunnel"
_WAYS = ("raw", "proxy")
_QUEUE = "tunnel-bench"


@dataclass(frozen=True, slots=True)
class Work:
    job: str
    hosts: int
    tasks_per_host: int


@workflow.defn(name="TunnelBench")
class TunnelBench:
    @workflow.run
    async def run(self, work: Work) -> None:
        async def serve(host: int) -> None:
            for _ in range(work.tasks_per_host):
                await workflow.execute_activity(
                    "work",
                    work.job,
                    task_queue=worker_task_queue(worker_id(host), 1),
                    start_to_close_timeout=timedelta(minutes=10),
                    heartbeat_timeout=timedelta(seconds=90),
                )

        await asyncio.gather(*map(serve, range(work.hosts)))


class _Host:
    def __init__(self, number: int) -> None:
        self._number = number

    @activity.defn(name="work")
    async def work(self, job: str) -> Outcome:
        now = time.monotonic()
        sys.stdout.write(Ran(self._number, job, 0, 1, now, now).line())
        sys.stdout.flush()
        # The proxy passes on no other answer.
        return Outcome(OutcomeKind.COMPLETED)


def worker_id(host: int) -> str:
    return str(UUID(int=host + 1))


# --- the processes --------------------------------------------------------------------------------


async def _be_manager(temporal: str) -> None:
    async with proxied.managed(temporal) as manager:
        manager.persons = True
        sys.stdout.write(f"{manager.url}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


async def _be_hosts(url: str, way: str, count: int) -> None:
    async with asyncio.TaskGroup() as hosts:
        for number in range(count):
            hosts.create_task(_be_host(url, way, number))


async def _be_host(url: str, way: str, number: int) -> None:
    own = worker_id(number)
    # Without a worker's credentials the caller is a person, who has the raw tunnel.
    headers = proxied.headers_of(own) if way == "proxy" else {}
    async with Tunnel(url, headers=lambda: headers, patience=60) as tunnel:
        client = await proxied.client_of(tunnel.address, own)
        await proxied.working(client, own, [_Host(number).work]).run()


async def _be_workflows(temporal: str) -> None:
    client = await Client.connect(temporal)
    await Worker(
        client,
        task_queue=_QUEUE,
        workflows=[TunnelBench],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ).run()


# --- the measurement ------------------------------------------------------------------------------


async def _measure(hosts: int, tasks: int, rounds: int) -> dict[str, list[dict[str, float]]]:
    measured: dict[str, list[dict[str, float]]] = {way: [] for way in _WAYS}
    with tempfile.TemporaryDirectory(prefix="tunnel-") as folder:
        server = TemporalServer(Path(folder) / "temporal")
        await server.start()
        try:
            async with _process(["workflows", server.address], Path(folder)):
                for number in range(rounds):
                    for way in _WAYS if number % 2 else reversed(_WAYS):
                        figures = await _one(server.address, way, hosts, tasks, Path(folder))
                        measured[way].append(figures)
        finally:
            await server.stop()
    return measured


async def _one(temporal: str, way: str, hosts: int, tasks: int, folder: Path) -> dict[str, float]:
    client = await Client.connect(temporal)
    async with AsyncExitStack() as stack:
        manager = await stack.enter_async_context(_process(["manager", temporal], folder))
        assert manager.stdout is not None
        url = (await manager.stdout.readline()).decode().strip()
        arguments = ["-m", _MODULE, "hosts", url, way, str(hosts)]
        reported, host = await stack.enter_async_context(reporting(arguments, folder / "log"))

        async def go(job: str, per_host: int) -> None:
            identity = f"{job}-{time.monotonic_ns()}"
            work = Work(job, hosts, per_host)
            await client.execute_workflow(TunnelBench.run, work, id=identity, task_queue=_QUEUE)
            await reported.wait_for([job], hosts * per_host, 60)

        await go("warm-up", 5)
        clock = CpuClock({"manager": manager.pid, "hosts": host.pid})
        await go("job", tasks)
        spent = clock.seconds()
        ran = reported.of(["job"])
        idle = gaps(ran)
        return {
            "manager, CPU ms per task": 1000 * spent["manager"] / len(ran),
            "hosts, CPU ms per task": 1000 * spent["hosts"] / len(ran),
            "gap p50, ms": 1000 * percentile(idle, 0.5),
            "gap p99, ms": 1000 * percentile(idle, 0.99),
        }


@asynccontextmanager
async def _process(
    arguments: Sequence[str], folder: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    async with python(["-m", _MODULE, *arguments], folder / "log") as process:
        yield process


def _table(measured: dict[str, list[dict[str, float]]]) -> str:
    lines = [f"{'median of the rounds':28}{'raw':>9}{'proxy':>9}{'ratio':>8}"]
    for name in measured["raw"][0]:
        raw, proxy = (statistics.median(each[name] for each in measured[way]) for way in _WAYS)
        lines.append(f"{name:28}{raw:9.2f}{proxy:9.2f}{proxy / raw:8.2f}")
    return "\n".join(lines) + "\n"


def main(arguments: Sequence[str]) -> None:
    match list(arguments):
        case ["manager", temporal]:
            run(_be_manager(temporal))
        case ["hosts", url, way, count]:
            run(_be_hosts(url, way, int(count)))
        case ["workflows", temporal]:
            run(_be_workflows(temporal))
        case _:
            parser = argparse.ArgumentParser(description=__doc__)
            parser.add_argument("--hosts", type=int, default=10)
            parser.add_argument("--tasks-per-host", type=int, default=100)
            parser.add_argument("--rounds", type=int, default=5)
            options = parser.parse_args(arguments)
            work = _measure(options.hosts, options.tasks_per_host, options.rounds)
            sys.stdout.write(_table(asyncio.run(work)))


if __name__ == "__main__":
    main(sys.argv[1:])
