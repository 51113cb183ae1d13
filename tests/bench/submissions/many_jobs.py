"""How soon a farm answers many submissions at once, and lends each of the jobs a worker."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.bench.costs import nap
from tests.bench.dispatch.processes import BenchFailed, CpuClock
from tests.bench.idle.farm import ManyHosts, many_hosts
from tests.bench.rounds import Figures

AIM_S = 10.0
#: Each job keeps its worker for so long, so that no worker serves two jobs.
_TASK_S = 30
_WITHIN_S = 600.0
_LOOK_EVERY_S = 0.02


@dataclass(frozen=True, slots=True)
class Submitted:
    job_id: str
    asked: float
    """On the machine's monotonic clock, in seconds, as are all times here."""
    answered: float


async def measure(
    jobs: int, clients: int, rounds: int, figures: Figures, folder: Path, say: Callable[[str], None]
) -> None:
    """Submit so many jobs at once to a farm that has an idle host for each."""
    of = f"{jobs} jobs at once"
    async with many_hosts(jobs, folder) as farm:
        for _ in range(rounds):
            await _measure(farm, jobs, clients, of, figures, say)


async def _measure(
    farm: ManyHosts, jobs: int, clients: int, of: str, figures: Figures, say: Callable[[str], None]
) -> None:
    began, clock = time.monotonic(), CpuClock(farm.pids)
    looking = asyncio.create_task(_until_lent(farm.data_dir / "tablao.sqlite", jobs))
    shares = [range(first, jobs, clients) for first in range(clients)]
    done = await asyncio.gather(*(_submit(str(farm.http.base_url), share) for share in shares))
    submitted = [each for of_client in done for each in of_client]
    lent = await looking
    used = clock.seconds()
    ids = {each.job_id for each in submitted}
    begun = await _until_begun(farm, ids)
    for each in submitted:
        figures.add(of, "answer, s", each.answered - each.asked)
        figures.add(of, "its worker lent, s", lent[each.job_id] - each.asked)
        figures.add(of, "its first command, s", begun[each.job_id] - each.asked)
    all_s = max(lent.values()) - began
    figures.add(of, "all workers lent, s", all_s, AIM_S)
    figures.add(of, "until then, manager's CPU s", used["manager"])
    figures.add(of, "until then, Temporal's CPU s", used["temporal"])
    figures.add(of, "all first commands, s", max(begun.values()) - began)
    say(f"{of}: all workers were lent after {all_s:.1f} s")
    await _until_ended(farm, ids)


async def _submit(url: str, numbers: Sequence[int]) -> list[Submitted]:
    """Be one client, which submits its jobs one after the other."""
    submitted = []
    async with httpx.AsyncClient(base_url=url, timeout=_WITHIN_S) as http:
        for number in numbers:
            asked = time.monotonic()
            answer = await http.post("/api/v3/jobs", json=nap(number, _TASK_S))
            if not answer.is_success:
                raise BenchFailed(f"the manager refused a job: {answer.text}")
            submitted.append(Submitted(str(answer.json()["id"]), asked, time.monotonic()))
    return submitted


async def _until_lent(database: Path, jobs: int) -> dict[str, float]:
    """Return when each of the new jobs was seen to have a worker. Leases are read beside the
    manager, so that no question to it delays what is measured.
    """
    before = set(await asyncio.to_thread(_lent_jobs, database))
    lent: dict[str, float] = {}
    async with asyncio.timeout(_WITHIN_S):
        while len(lent) < jobs:
            now_lent = await asyncio.to_thread(_lent_jobs, database)
            now = time.monotonic()
            for job_id in set(now_lent) - before:
                lent.setdefault(job_id, now)
            await asyncio.sleep(_LOOK_EVERY_S)
    return lent


def _lent_jobs(database: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        return [job_id for (job_id,) in connection.execute("select job_id from leases")]


async def _until_begun(farm: ManyHosts, jobs: set[str]) -> dict[str, float]:
    """Return when each job's first command began.

    It is told when the first task has ended, which it does at once; the second one keeps the
    worker.
    """
    begun: dict[str, float] = {}
    known = 0
    while len(begun) < len(jobs):
        ran = await farm.reported.wait_for(jobs, known + 1, _WITHIN_S)
        known = len(ran)
        for record in ran:
            begun[record.job] = min(record.began, begun.get(record.job, record.began))
    return begun


async def _until_ended(farm: ManyHosts, jobs: set[str]) -> None:
    async with asyncio.timeout(_WITHIN_S):
        while True:
            listed = (await farm.http.get("/api/v3/jobs")).json()["jobs"]
            if all(job["status"] == "completed" for job in listed if job["id"] in jobs):
                return
            await asyncio.sleep(1)
