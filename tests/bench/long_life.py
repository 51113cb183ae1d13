"""Lists beside many ended tasks: `python -m tests.bench.long_life`.

A database gets so many ended tasks, in jobs of a hundred, beside a job of 10,000 tasks that is at
work. The list of jobs is made ready, as after the start of a manager. Then what pages and scripts
ask for is asked over HTTP, without a network between. The last column compares with the smallest
database of the same run.
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median, quantiles
from typing import Any
from uuid import UUID

import httpx
from sqlalchemy import insert

from manager_api.database.engine import Database, Session, utc_now
from manager_api.database.tables import JobRow, TaskRow, WorkerRow, table_of
from manager_api.job_types.farm import farm_job_types
from manager_api.jobs.list_filling import JobListFilling
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.dependencies import ManagerParts
from tests.manager.stand_in_farm import StandInControl
from workflows.domain.statuses import JobStatus, TaskStatus, WorkerStatus
from workflows.domain.task_ids import task_id

WORKERS = 100
#: Tasks of an ended job, and of the one at work.
IN_A_JOB, LARGE = 100, 10_000
_AT_ONCE = 100
ASKED: Mapping[str, str] = {
    "all jobs, Flamenco's list": "/api/v3/jobs",
    "all jobs, the dashboard's list": "/api/tablao/v1/jobs",
    "10,000 tasks of a job": "/api/v3/jobs/{large}/tasks",
    "a job": "/api/tablao/v1/jobs/{large}",
    "a job's times": "/api/tablao/v1/jobs/{large}/statistics",
    "a job's reasons": "/api/tablao/v1/jobs/{large}/reasons",
    "a job's actions": "/api/tablao/v1/jobs/{large}/actions",
    "a job's frames now": "/api/tablao/v1/jobs/{large}/progress",
    "a task": "/api/v3/tasks/{task}",
    "time left": "/api/tablao/v1/time-left",
    "workers": "/api/tablao/v1/workers",
    "a worker's tasks": "/api/tablao/v1/workers/{worker}/tasks",
    "the farm's status": "/api/v3/status",
    "figures for Prometheus": "/metrics",
    "images rendered last": "/api/tablao/v1/last-rendered",
}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, nargs="+", default=[1_000, 1_000_000])
    parser.add_argument("--times", type=int, default=30, help="how often each is asked")
    options = parser.parse_args(arguments)
    _say(
        f"{'ended tasks':>11}  {'asked for':<32}{'p50 ms':>9}{'p99 ms':>9}{'CPU ms':>9}{'ratio':>8}"
    )
    baseline: dict[str, float] = {}
    for count in sorted(options.tasks):
        asyncio.run(_measure(count, options.times, baseline))


async def _measure(count: int, times: int, baseline: dict[str, float]) -> None:
    with tempfile.TemporaryDirectory(prefix="tablao-long-life-") as name:
        settings = ManagerSettings(data_dir=Path(name))
        database = Database(settings.database_url)
        await database.migrate()
        await _fill(database, count)
        size = (Path(name) / "tablao.sqlite").stat().st_size
        _say(f"{count:>11}  the database: {size / 2**20:.0f} MiB")
        configuration = Configuration(settings)
        registry = farm_job_types(lambda: settings)
        parts = ManagerParts.assembled(configuration, database, registry, StandInControl(database))
        filling_s = time.perf_counter()
        await JobListFilling(database).run()
        _say(f"{count:>11}  the list is ready in {time.perf_counter() - filling_s:.1f} s")
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(build_app(parts)), base_url="http://localhost:8080"
        ) as client:
            for what, path in ASKED.items():
                wall, cpu = await _ask(client, path.format_map(_places()), times)
                middle, worst = median(wall), quantiles(wall, n=100)[-1]
                baseline.setdefault(what, middle)
                _say(
                    f"{count:>11}  {what:<32}{middle:>9.1f}{worst:>9.1f}{cpu:>9.1f}"
                    f"{middle / baseline[what]:>8.2f}"
                )
        await database.close()


def _places() -> dict[str, str]:
    large = str(UUID(int=0))
    return {"large": large, "task": task_id(large, 1), "worker": str(UUID(int=1))}


async def _ask(client: httpx.AsyncClient, path: str, times: int) -> tuple[list[float], float]:
    """Return the times of the answers, and the median of the CPU's, in milliseconds."""
    wall, cpu = [], []
    for _ in range(times):
        begun, cpu_begun = time.perf_counter(), time.process_time()
        answer = await client.get(path)
        wall.append((time.perf_counter() - begun) * 1000)
        cpu.append((time.process_time() - cpu_begun) * 1000)
        answer.raise_for_status()
    return wall, median(cpu)


async def _fill(database: Database, count: int) -> None:
    now = utc_now()
    async with database.writing() as session:
        session.add_all(_worker(number, now) for number in range(WORKERS))
    numbers = range(1, count // IN_A_JOB + 1)
    for first in range(0, len(numbers), _AT_ONCE):
        jobs = numbers[first : first + _AT_ONCE]
        async with database.writing() as session:
            await _insert(session, jobs, now, JobStatus.COMPLETED, IN_A_JOB)
    async with database.writing() as session:
        await _insert(session, [0], now, JobStatus.ACTIVE, LARGE)


async def _insert(
    session: Session, jobs: Sequence[int], now: datetime, status: JobStatus, tasks: int
) -> None:
    rows = [_job(number, now, status, tasks) for number in jobs]
    await session.execute(insert(table_of(JobRow)), rows)
    its_tasks = [_task(job, number, now, status) for job in jobs for number in range(1, tasks + 1)]
    await session.execute(insert(table_of(TaskRow)), its_tasks)


def _worker(number: int, now: datetime) -> WorkerRow:
    return WorkerRow(
        id=str(UUID(int=number)),
        name=f"host-{number:03}",
        secret_hash="",
        platform="linux",
        status=WorkerStatus.AWAKE,
        supported_task_types=["blender"],
        created=now,
        updated=now,
        last_seen=now,
    )


def _job(number: int, now: datetime, status: JobStatus, tasks: int) -> dict[str, Any]:
    is_ended = status is JobStatus.COMPLETED
    moment = now - timedelta(minutes=5) * number
    return {
        "id": str(UUID(int=number)),
        "name": f"shot {number:05} lighting",
        "job_type": "simple-blender-render",
        "priority": 50,
        "status": status,
        "settings": {"frames": f"1-{tasks}", "blendfile": "/render/shot.blend", "fps": 24},
        "job_metadata": {"project": f"project {number % 12}", "user.name": f"user {number % 20}"},
        "created": moment,
        "updated": moment,
        "steps_total": tasks,
        "steps_completed": tasks if is_ended else 0,
        "task_counts": {"completed" if is_ended else "queued": tasks},
        "is_ended": is_ended,
    }


def _task(job: int, number: int, now: datetime, status: JobStatus) -> dict[str, Any]:
    is_ended = status is JobStatus.COMPLETED
    begun = now - timedelta(minutes=5) * job + number * timedelta(seconds=2)
    blender = {"blendfile": "/render/shot.blend", "args": ["-f", str(number)], "exe": "{blender}"}
    return {
        "job_id": str(UUID(int=job)),
        "index_in_job": number,
        "id": task_id(str(UUID(int=job)), number),
        "name": f"render-{number}",
        "task_type": "blender",
        "priority": 50,
        "status": TaskStatus.COMPLETED if is_ended else TaskStatus.QUEUED,
        "activity": "",
        "commands": [{"name": "blender-render", "parameters": blender, "total_step_count": 1}],
        "steps_total": 1,
        "steps_completed": int(is_ended),
        "attempt": int(is_ended),
        "failed_by": [],
        "worker_id": str(UUID(int=(job + number) % WORKERS)) if is_ended else None,
        "created": begun,
        "updated": begun,
        "started_at": begun if is_ended else None,
        "ended_at": begun + timedelta(seconds=90) if is_ended else None,
    }


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
