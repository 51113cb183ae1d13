"""How long the farm's history takes to answer: `python -m tests.bench.farm_history`.

A database gets so many tasks a day, of 100 workers, 12 projects and 20 users, as projection writes
count them. Then each question is asked over HTTP, without a network between.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
from sqlalchemy import func, select

from manager_api.contract.farm_history import HistoryBy
from manager_api.database.engine import Database, utc_now
from manager_api.database.tables import HistoryRow, HistorySampleRow, JobRow, table_of
from manager_api.farm_history.ledger import Ended, count_ended
from manager_api.job_types.farm import farm_job_types
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.dependencies import ManagerParts
from tests.manager.stand_in_farm import StandInControl
from workflows.domain.farm_history import HOUR, hour_of
from workflows.domain.statuses import TaskStatus

WORKERS, PROJECTS, USERS = 100, 12, 20
#: Tasks of one projection write.
IN_A_WRITE = 10
ASKED = 15
_PERCENT_FAILED = 5


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=[1, 30])
    parser.add_argument("--tasks", type=int, default=10_000, help="tasks of a day")
    options = parser.parse_args(arguments)
    figures = f"{'by':<8}{'p50 ms':>8}{'max ms':>8}"
    _say(f"{'days':>4} {'tasks':>8} {'rows':>8} {'µs a task':>9}  {figures}")
    for days in options.days:
        asyncio.run(_measure(days, options.tasks))


async def _measure(days: int, tasks: int) -> None:
    with tempfile.TemporaryDirectory(prefix="tablao-history-") as name:
        settings = ManagerSettings(data_dir=Path(name))
        database = Database(settings.database_url)
        await database.migrate()
        begun = time.process_time()
        rows = await _fill(database, days, tasks)
        cost = (time.process_time() - begun) / (days * tasks)
        configuration = Configuration(settings)
        registry = farm_job_types(lambda: settings)
        parts = ManagerParts.assembled(configuration, database, registry, StandInControl(database))
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(build_app(parts)), base_url="http://localhost:8080"
        ) as client:
            for by in HistoryBy:
                if by is HistoryBy.HOUR and days > 31:
                    continue
                taken = await _ask(client, days, by)
                _say(
                    f"{days:>4} {days * tasks:>8} {rows:>8} {cost * 1e6:>9.0f}  {by:<8}"
                    f"{statistics.median(taken):>8.0f}{max(taken):>8.0f}"
                )
        await database.close()


async def _fill(database: Database, days: int, tasks: int) -> int:
    """Count tries that end evenly over the days; return how many rows there are then."""
    chance = random.Random(7)
    now = utc_now()
    for number in range(days * 24):
        hour = hour_of(now) - number * HOUR
        for _ in range(tasks // 24 // IN_A_WRITE):
            job = JobRow(
                job_metadata={
                    "project": f"project {chance.randrange(PROJECTS)}",
                    "user.name": f"user {chance.randrange(USERS)}",
                }
            )
            tries = [_try(chance, hour + chance.random() * HOUR) for _ in range(IN_A_WRITE)]
            async with database.writing() as session:
                await count_ended(session, job, tries)
        async with database.writing() as session:
            waiting = {"other-tag": 9, "asleep": 3}
            session.add(
                HistorySampleRow(hour=hour, samples=12, slots=1200, ready=480, waiting=waiting)
            )
    async with database.reading() as session:
        return await session.scalar(select(func.count()).select_from(table_of(HistoryRow))) or 0


def _try(chance: random.Random, end: datetime) -> Ended:
    start = end - timedelta(seconds=chance.uniform(30, 1200))
    worker = str(UUID(int=chance.randrange(WORKERS)))
    if chance.randrange(100) < _PERCENT_FAILED:
        text = f"Failed: cause {chr(97 + chance.randrange(26))}"
        return Ended("blender", TaskStatus.SOFT_FAILED, text, worker, start, end, 10)
    return Ended("blender", TaskStatus.COMPLETED, "", worker, start, end, 10)


async def _ask(client: httpx.AsyncClient, days: int, by: HistoryBy) -> list[float]:
    """Return the times of the answers, in milliseconds."""
    begin = (utc_now() - timedelta(days=days)).isoformat()
    taken = []
    for _ in range(ASKED):
        begun = time.perf_counter()
        answer = await client.get("/api/tablao/v1/history", params={"from": begin, "by": by})
        taken.append((time.perf_counter() - begun) * 1000)
        answer.raise_for_status()
    return taken


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
