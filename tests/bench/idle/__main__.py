"""What hosts cost that do nothing: `python -m tests.bench.idle --hosts 0,100,400,1000`.

The farm is a real `tablao manager` with its Temporal, and real hosts without real runs. They share
processes of their own (`--hosts-per-process`), whose CPU time is not counted. The farm is measured
`--settle` seconds after all hosts are awake. CPU is the processes' own time, which other load on
the machine changes little. With `--counted` messages are counted, which costs the manager some time
of its own.
"""

import argparse
import asyncio
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from tests.bench.dispatch.processes import BenchFailed, CpuClock
from tests.bench.idle.farm import many_hosts, open_files

_MIB = 2**20


def main(arguments: Sequence[str]) -> None:
    options = _parser().parse_args(arguments)
    open_files()
    for hosts in (int(each) for each in options.hosts.split(",")):
        with tempfile.TemporaryDirectory(prefix="idle-") as folder:
            try:
                _say(asyncio.run(_measure(hosts, Path(folder), options)))
            except (BenchFailed, TimeoutError) as failure:
                sys.exit(f"No figures for {hosts} hosts: {failure or 'it took too long'}")


async def _measure(hosts: int, folder: Path, options: argparse.Namespace) -> str:
    module = "tests.bench.idle.counted_manager" if options.counted else "manager_api.cli.main"
    async with many_hosts(hosts, folder, options.hosts_per_process, module) as farm:
        manager, pids = farm.manager, farm.pids
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


async def _counts(manager: asyncio.subprocess.Process) -> dict[str, int]:
    assert manager.stdout is not None
    os.kill(manager.pid, signal.SIGUSR1)
    return dict(json.loads(await manager.stdout.readline()))


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
