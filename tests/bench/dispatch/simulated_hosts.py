"""A process of many hosts that speak the real protocol and render nothing.

Each is a `worker_host.host.Host` with its own registration, control channel, tunnel and Temporal
worker, as on a machine of its own: only their CPU time and their memory are shared.
"""

import asyncio
import logging
import sys
from pathlib import Path

from activities.process.sdk_logs import log_only_errors_of_sdk
from tests.bench.dispatch.processes import run
from tests.bench.dispatch.records import Ran
from tests.bench.dispatch.simulated_runs import SimulatedRuns
from worker_host.host import Ended, Host
from worker_host.manager_client import http_client
from worker_host.registration import Registration
from worker_host.settings import HostSettings

_JOINING_AT_ONCE = 10


def main(manager: str, folder: str, count: str, first: str = "0") -> None:
    """Be `count` hosts, numbered from `first` on."""
    logging.basicConfig(level=logging.WARNING)
    # As a real host does; and the library writes to standard output, which is for records only.
    log_only_errors_of_sdk()
    run(_serve(manager, Path(folder), range(int(first), int(first) + int(count))))


async def _serve(manager: str, folder: Path, numbers: range) -> None:
    joining = asyncio.Semaphore(_JOINING_AT_ONCE)
    async with asyncio.TaskGroup() as hosts:
        for number in numbers:
            hosts.create_task(_host(number, manager, folder / str(number), joining))


async def _host(number: int, manager: str, folder: Path, joining: asyncio.Semaphore) -> Ended:
    settings = HostSettings(
        manager=manager, data_dir=folder, name=host_name(number), task_types=("misc", "blender")
    )
    async with joining, http_client() as http:
        credentials, _ = await Registration(settings, http).join()
    return await Host(
        settings, credentials, lambda hooks: SimulatedRuns(number, hooks, _tell)
    ).run()


def host_name(number: int) -> str:
    return f"host-{number:03}"


def _tell(ran: Ran) -> None:
    sys.stdout.write(ran.line())
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
