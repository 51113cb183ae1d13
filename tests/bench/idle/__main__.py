"""What hosts cost that do nothing: `python -m tests.bench.idle --hosts 0,100,400,1000`.

The farm is a real `tablao manager` with its Temporal, and real hosts without real runs. They share
processes of their own (`--hosts-per-process`), whose CPU time is not counted. The farm is measured
`--settle` seconds after all hosts are awake. CPU is the processes' own time, which other load on
the machine changes little. With `--counted` messages are counted, which costs the manager some time
of its own.
"""

import argparse
import asyncio
import contextlib
import json
import os
import resource
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx
import psutil

from manager_api.cli.supervise import free_port
from manager_api.settings.model import SETTINGS_FILE
from tests.bench.dispatch.farm import temporal_of, until_it_answers
from tests.bench.dispatch.processes import BenchFailed, CpuClock, python

_MIB = 2**20
#: Seconds within which the hosts of one process must be awake.
_AWAKE_S = 600.0
_LOOK_EVERY_S = 1.0


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    _open_files()
    for hosts in (int(each) for each in options.hosts.split(",")):
        with tempfile.TemporaryDirectory(prefix="idle-") as folder:
            try:
                _say(asyncio.run(_measure(hosts, Path(folder), options)))
            except (BenchFailed, TimeoutError) as failure:
                sys.exit(f"No figures for {hosts} hosts: {failure or 'it took too long'}")


async def _measure(hosts: int, folder: Path, options: argparse.Namespace) -> str:
    async with _farm(hosts, folder, options) as (manager, pids):
        await asyncio.sleep(options.settle)
        before = await _counts(manager) if options.counted else {}
        clock, since = CpuClock(pids), time.monotonic()
        await asyncio.sleep(options.seconds)
        passed_s, spent = time.monotonic() - since, clock.seconds()
        after = await _counts(manager) if options.counted else {}
        lines = [f"{hosts} hosts, {passed_s:.0f} s"]
        for name, seconds in spent.items():
            used = psutil.Process(pids[name]).memory_info().rss / _MIB
            lines.append(f"  {name:10}{100 * seconds / passed_s:8.1f} % of a core{used:8.0f} MB")
        both_s = spent["manager"] + spent["temporal"]
        lines.append(f"  {'both':10}{100 * both_s / passed_s:8.1f} % of a core")
        for kind, count in sorted(after.items()):
            if more := count - before.get(kind, 0):
                lines.append(f"  {more / passed_s:8.2f}/s  {kind}")
    return "\n".join(lines)


@asynccontextmanager
async def _farm(
    hosts: int, folder: Path, options: argparse.Namespace
) -> AsyncIterator[tuple[asyncio.subprocess.Process, dict[str, int]]]:
    port = free_port("127.0.0.1")
    url = f"http://127.0.0.1:{port}"
    data_dir = folder / "farm"
    data_dir.mkdir()
    # All hosts have the same address.
    (data_dir / SETTINGS_FILE).write_text("max_connections: 0\nautodiscoverable: false\n")
    module = "tests.bench.idle.counted_manager" if options.counted else "manager_api.cli.main"
    command = ["-m", module, "manager", "--data-dir", str(data_dir), "--port", str(port)]
    async with AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=60))
        manager = await stack.enter_async_context(python(command, folder / "manager.log"))
        await until_it_answers(http, manager, folder / "manager.log")
        for first in range(0, hosts, options.hosts_per_process):
            count = min(options.hosts_per_process, hosts - first)
            arguments = ["-m", "tests.bench.dispatch.simulated_hosts", url]
            arguments += [str(folder / "hosts"), str(count), str(first)]
            await stack.enter_async_context(python(arguments, folder / f"hosts-{first}.log"))
            # All at once they would take the processors from the manager that they wait for.
            await _until_awake(http, first + count)
        temporal = temporal_of(manager.pid)
        # It outlives a manager that does not end in time.
        stack.callback(_end, psutil.Process(temporal))
        yield manager, {"manager": manager.pid, "temporal": temporal}


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


async def _counts(manager: asyncio.subprocess.Process) -> dict[str, int]:
    assert manager.stdout is not None
    os.kill(manager.pid, signal.SIGUSR1)
    return dict(json.loads(await manager.stdout.readline()))


def _open_files() -> None:
    """Let this process and its children open as many files as the system allows."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.idle", description=__doc__)
    parser.add_argument("--hosts", default="0,100,400,1000", metavar="N,…", help="farms to measure")
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--settle", type=float, default=30.0)
    parser.add_argument("--hosts-per-process", type=int, default=100)
    parser.add_argument("--counted", action="store_true", help="count messages by kind")
    return parser


if __name__ == "__main__":
    main(sys.argv[1:])
