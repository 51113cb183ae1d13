"""Services are killed, one after the other and all at once, while a farm works."""

import asyncio
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.dispatch.processes import BenchFailed
from tests.cluster.configuration import Service
from tests.cluster.farm import Farm
from tests.cluster.temporal import Cluster

#: What a strike kills, by its name.
TARGETS: Mapping[str, Sequence[Service]] = {
    **{str(service): (service,) for service in Service},
    "all": tuple(Service),
}
#: How long it may take until the farm works again after a strike.
_WORKS_AGAIN_S = 300.0
_LOOK_EVERY_S = 0.5
#: A job has this many tasks for each host, and another one is submitted when fewer are left.
_TASKS_OF_A_JOB, _TASKS_LEFT = 3, 2


@dataclass(frozen=True, slots=True)
class Struck:
    """Times are the machine's monotonic clock, in seconds."""

    name: str
    at: float
    back: float
    """When what was killed has been started again; that of a strike that killed nothing is `at`."""
    until: float
    """When the next strike begins, or the last job has ended."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds."""

    task: int
    away: float
    """From a kill to the start."""
    calm: float
    """From the first task that begins after a start to the next kill."""


async def strike_all(
    farm: Farm, temporal: Cluster, hosts: int, names: Sequence[str], pace: Pace
) -> list[Struck]:
    """Strike while jobs are submitted; return when all jobs have ended.

    Args:
        names: the keys of `TARGETS` that are struck, in order; before them nothing is.
    """
    supply = asyncio.create_task(_supply(farm, hosts, pace.task))
    try:
        await _until_begun(farm, time.monotonic(), hosts, supply)
        found = [await _strike(farm, temporal, name, pace, supply) for name in ("nothing", *names)]
    finally:
        supply.cancel()
        await asyncio.wait({supply})
    await _until_ended(farm)
    last = found.pop()
    return [*found, Struck(last.name, last.at, last.back, time.monotonic())]


async def _strike(
    farm: Farm,
    temporal: Cluster,
    name: str,
    pace: Pace,
    supply: "asyncio.Task[None]",
) -> Struck:
    services = TARGETS.get(name, ())
    at = time.monotonic()
    for service in services:
        temporal.kill(service)
    if services:
        _say(f"killed: {name}")
        await asyncio.sleep(pace.away)
        for service in services:
            temporal.start(service)
    back = time.monotonic()
    begun = await _until_begun(farm, back, 1, supply)
    _say(f"{name}: tasks begin {begun - at:.1f} s after the kill, or earlier")
    await asyncio.sleep(pace.calm)
    if ended := temporal.ended():
        raise BenchFailed(f"Temporal's {', '.join(ended)} ended by itself")
    return Struck(name, at, back, time.monotonic())


async def _until_begun(farm: Farm, since: float, count: int, supply: "asyncio.Task[None]") -> float:
    """Wait for tasks that began after a moment and have ended; return when the first one began."""
    async with asyncio.timeout(_WORKS_AGAIN_S):
        while True:
            if supply.done():
                supply.result()
            begun = [ran.began for ran in farm.ran() if ran.began >= since]
            if len(begun) >= count:
                return min(begun)
            await asyncio.sleep(_LOOK_EVERY_S)


async def _supply(farm: Farm, hosts: int, task_s: int) -> None:
    """Keep enough tasks waiting, whatever has been killed."""
    while True:
        if farm.outstanding() < _TASKS_LEFT * hosts:
            await farm.submit(_TASKS_OF_A_JOB * hosts, task_s)
        await asyncio.sleep(_LOOK_EVERY_S)


async def _until_ended(farm: Farm) -> None:
    """Wait until each job has ended, or for `_WORKS_AGAIN_S`; the audit tells what has not."""
    deadline = time.monotonic() + _WORKS_AGAIN_S
    while time.monotonic() < deadline:
        statuses = await farm.statuses()
        if all(statuses.get(each.job) in ("completed", "failed", "canceled") for each in farm.jobs):
            return
        await asyncio.sleep(_LOOK_EVERY_S)


def _say(sentence: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {sentence}\n")
    sys.stderr.flush()
