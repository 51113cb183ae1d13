"""A real manager with its Temporal, and many real hosts whose runs are simulated."""

import asyncio
import contextlib
import resource
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil

from manager_api.cli.supervise import free_port
from manager_api.settings.model import SETTINGS_FILE
from tests.bench.dispatch.farm import temporal_of, until_it_answers
from tests.bench.dispatch.processes import Reported, python, reporting

#: Seconds within which the hosts of one process must be awake.
_AWAKE_S = 600.0
_LOOK_EVERY_S = 1.0


@dataclass(frozen=True, slots=True)
class ManyHosts:
    """A farm whose hosts are awake."""

    http: httpx.AsyncClient
    manager: asyncio.subprocess.Process
    pids: Mapping[str, int]
    """Of `manager` and `temporal`."""
    reported: Reported
    """What its hosts have run."""
    data_dir: Path


@asynccontextmanager
async def many_hosts(
    hosts: int, folder: Path, hosts_per_process: int = 100, module: str = "manager_api.cli.main"
) -> AsyncIterator[ManyHosts]:
    """
    Args:
        hosts: how many.
        folder: where the farm keeps its files.
        hosts_per_process: how many of them share a process.
        module: the manager's.
    """
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    data_dir = folder / "farm"
    data_dir.mkdir()
    # All hosts have the same address.
    (data_dir / SETTINGS_FILE).write_text("max_connections: 0\nautodiscoverable: false\n")
    command = ["-m", module, "manager", "--data-dir", str(data_dir), "--port", str(port)]
    reported = Reported()
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=600))
        manager = await stack.enter_async_context(python(command, folder / "manager.log"))
        await until_it_answers(http, manager, folder / "manager.log")
        for first in range(0, hosts, hosts_per_process):
            count = min(hosts_per_process, hosts - first)
            arguments = ["-m", "tests.bench.dispatch.simulated_hosts", url]
            arguments += [str(folder / "hosts"), str(count), str(first)]
            log = folder / f"hosts-{first}.log"
            await stack.enter_async_context(reporting(arguments, log, reported))
            # All at once they would take the processors from the manager that they wait for.
            await _until_awake(http, first + count)
        temporal = temporal_of(manager.pid)
        # It outlives a manager that does not end in time.
        stack.callback(_end, psutil.Process(temporal))
        pids = {"manager": manager.pid, "temporal": temporal}
        yield ManyHosts(http, manager, pids, reported, data_dir)


def open_files() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _end(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()


async def _until_awake(http: httpx.AsyncClient, hosts: int) -> None:
    async with asyncio.timeout(_AWAKE_S):
        while True:
            workers = (await http.get("/api/v3/worker-mgt/workers")).json()["workers"]
            if sum(worker["status"] == "awake" for worker in workers) >= hosts:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
