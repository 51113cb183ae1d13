"""A manager's web application as a process of its own, whose rows change at a wanted rate.

    python -m tests.browser.load_manager FOLDER TASKS JOBS

Writes `{"port", "job"}` as a line. Each line it reads, `{"rate", "seconds", "of"}`, changes so many
tasks, or jobs, a second in the database, with their events, as a job's projection does; the answer
is a line of `[name, status, milliseconds since 1970]` for each change that was committed. The job
with the tasks is the newest; the other jobs have a task each.
"""

import asyncio
import gc
import itertools
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import uvicorn
from sqlalchemy import select

from manager_api.database import events
from manager_api.database.engine import Changed, Database, Session, utc_now
from manager_api.database.migrate import upgrade
from manager_api.database.payloads import JOBS, job_event, task_event, topic_of_job
from manager_api.database.tables import JobRow, TaskRow
from manager_api.job_types.farm import farm_job_types
from manager_api.jobs.insertion import insert_job
from manager_api.settings.in_force import Configuration
from manager_api.settings.model import ManagerSettings
from manager_api.web.app import build_app
from manager_api.web.dependencies import ManagerParts
from workflows.domain.job_types.definitions import (
    AuthoredCommand,
    AuthoredTask,
    CompiledJob,
    SubmittedJob,
)
from workflows.domain.statuses import JobStatus, TaskStatus

#: A transaction's worth of changes: a projection gathers what happens while it writes.
TICK_S = 0.02
#: Rows that a page shows first, and how often a change is one of theirs.
IN_SIGHT, SHARE_IN_SIGHT = 12, 0.15
_ROUND = (TaskStatus.ACTIVE, TaskStatus.COMPLETED, TaskStatus.QUEUED, TaskStatus.FAILED)
_ROUND_OF_JOBS = (JobStatus.ACTIVE, JobStatus.COMPLETED, JobStatus.QUEUED, JobStatus.FAILED)

Change = tuple[str, str, float]


class NoControl:
    """No job runs: what changes, this module changes."""

    async def change(self, job_id: str, change: object) -> None:
        raise NotImplementedError


class Load:
    def __init__(self, database: Database, job_id: str, tasks: int, jobs: Sequence[str]) -> None:
        """
        Args:
            job_id: the job with the tasks.
            jobs: ids of the other jobs, the newest first.
        """
        self._database = database
        self._job_id = job_id
        self._tasks = tasks
        self._jobs = jobs
        self._next_status: dict[int, Iterator[TaskStatus]] = {}
        self._next_job_status: dict[int, Iterator[JobStatus]] = {}
        self._chance = random.Random(1)

    async def run(self, rate: float, seconds: float, of: str) -> list[Change]:
        changes: list[Change] = []
        start = time.monotonic()
        change = self._change_jobs if of == "jobs" else self._change_tasks
        while (elapsed := time.monotonic() - start) < seconds:
            due = int(rate * (elapsed + TICK_S)) - len(changes)
            changes += await change(due)
            pause = start + len(changes) / rate - time.monotonic()
            await asyncio.sleep(max(pause, 0.001))
        return changes

    async def _change_tasks(self, count: int) -> list[Change]:
        """Each index once: two changes of a task in a transaction would be one."""
        indexes = {self._index(self._tasks) for _ in range(count)}
        async with self._database.writing() as session:
            changed = [await self._move_task(session, index) for index in indexes]
            job = await session.get_one(JobRow, self._job_id)
            events.append(session, JOBS, job_event(job))
            session.changed.add(Changed.EVENTS)
        now_ms = time.time() * 1000
        return [(name, status, now_ms) for name, status in changed]

    async def _change_jobs(self, count: int) -> list[Change]:
        indexes = {self._index(len(self._jobs)) for _ in range(count)}
        async with self._database.writing() as session:
            changed = [await self._move_job(session, index) for index in indexes]
            session.changed.add(Changed.EVENTS)
        now_ms = time.time() * 1000
        return [(name, status, now_ms) for name, status in changed]

    async def _move_task(self, session: Session, index: int) -> tuple[str, str]:
        wanted = TaskRow.job_id == self._job_id, TaskRow.index_in_job == index
        task = (await session.scalars(select(TaskRow).where(*wanted))).one()
        previous = task.status
        statuses = self._next_status.setdefault(index, itertools.cycle(_ROUND))
        task.status, task.updated = next(statuses), utc_now()
        payload = task_event(task, None, previous=previous)
        events.append(session, topic_of_job(self._job_id), payload)
        return task.name, str(task.status)

    async def _move_job(self, session: Session, index: int) -> tuple[str, str]:
        job = await session.get_one(JobRow, self._jobs[index - 1])
        previous = job.status
        statuses = self._next_job_status.setdefault(index, itertools.cycle(_ROUND_OF_JOBS))
        job.status, job.updated = next(statuses), utc_now()
        events.append(session, JOBS, job_event(job, previous=previous))
        return job.name, str(job.status)

    def _index(self, count: int) -> int:
        if self._chance.random() < SHARE_IN_SIGHT:
            return self._chance.randint(1, min(IN_SIGHT, count))
        return self._chance.randint(1, count)


async def _serve(folder: Path, tasks: int, jobs: int) -> None:
    settings = ManagerSettings(data_dir=folder)
    upgrade_done = asyncio.to_thread(upgrade, settings.database_url)
    await upgrade_done
    database = Database(settings.database_url)
    configuration = Configuration(settings)
    registry = farm_job_types(lambda: configuration.settings)
    parts = ManagerParts.assembled(configuration, database, registry, NoControl())
    others = [await _store_job(database, f"shot-{jobs - n:05}", 1) for n in range(jobs)]
    job = await _store_job(database, "Ten thousand frames", tasks)
    server = uvicorn.Server(uvicorn.Config(build_app(parts), port=0, log_level="warning"))
    async with AsyncExitStack() as stack:
        await parts.begin(stack)
        await _started(server, stack)
        port = server.servers[0].sockets[0].getsockname()[1]
        _say({"port": port, "job": job})
        load = Load(database, job, tasks, others[::-1])
        while line := await asyncio.to_thread(sys.stdin.readline):
            _say(await load.run(**json.loads(line)))
    await database.close()


async def _started(server: uvicorn.Server, stack: AsyncExitStack) -> None:
    server.config.load()
    server.lifespan = server.config.lifespan_class(server.config)
    await server.startup()
    stack.push_async_callback(server.shutdown)
    # Connections that are still there are closed instead of waited for.
    server.force_exit = True
    # As a manager does when it has started.
    gc.collect()
    gc.freeze()
    ticking = asyncio.create_task(server.main_loop())
    stack.callback(ticking.cancel)


async def _store_job(database: Database, name: str, tasks: int) -> str:
    echo = (AuthoredCommand("echo", {}),)
    frames = [AuthoredTask(f"render-{n:05}", "blender", echo) for n in range(1, tasks + 1)]
    job = SubmittedJob(str(uuid4()), name, "simple-blender-render", utc_now())
    async with database.writing() as session:
        row = await insert_job(session, CompiledJob(job, frames))
        row.status = JobStatus.ACTIVE
    return row.id


def _say(what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])))
