"""Queries for the pace of the active jobs: their tasks at work, and recent times of tasks.

They read what is at work in the farm, and a few newest tasks of some workers: so their cost grows
with the number of workers, not with the number of jobs and tasks.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, literal_column, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from manager_api.database.tables import JobRow, LeaseRow, TaskRow, table_of
from workflows.domain.statuses import JobStatus, TaskStatus
from workflows.domain.time_left import AtWork, Done

#: The newest tasks of a worker that are looked at.
_TASKS_OF_WORKER = 24
#: More workers of a job say nothing new about its times.
_WORKERS_OF_JOB = 8
#: Workers per query. SQLite joins 500 selects at most.
_WORKERS_AT_ONCE = 50

_jobs, _tasks, _leases = table_of(JobRow).c, table_of(TaskRow).c, table_of(LeaseRow).c
# Literals: with parameters, SQLite would not use the indexes of active tasks and open leases.
_AT_WORK = select(
    _tasks.job_id, _tasks.worker_id, _tasks.started_at, _tasks.steps_completed, _tasks.steps_total
).where(literal_column("tasks.status = 'active'"))
_LENT = select(_leases.job_id, _leases.worker_id).where(
    literal_column("leases.state <> 'returned'")
)


class JobPace(NamedTuple):
    """What is known about the times of an active job."""

    steps_left: int
    at_work: Sequence[AtWork]
    lent: int
    """How many slots of workers are lent to the job."""
    done: Sequence[Done]
    """Recently completed tasks, in the order of their ends."""


async def paces(session: AsyncSession, now: datetime) -> Mapping[str, JobPace]:
    """Return the pace of each active job that has workers, by the job's id."""
    left = await _steps_left(session)
    at_work: defaultdict[str, list[AtWork]] = defaultdict(list)
    workers: defaultdict[str, set[str]] = defaultdict(set)
    for job_id, worker_id, started_at, steps, total in await session.execute(_AT_WORK):
        if job_id in left and started_at is not None:
            at_work[job_id].append(AtWork((now - started_at).total_seconds(), steps, total))
            workers[job_id].add(worker_id or "")
    lent: defaultdict[str, int] = defaultdict(int)
    for job_id, worker_id in await session.execute(_LENT):
        if job_id in left:
            lent[job_id] += 1
            workers[job_id].add(worker_id)
    asked = {each for of_job in workers.values() for each in sorted(of_job)[:_WORKERS_OF_JOB]}
    done = await _recently_done(session, asked)
    return {
        job_id: JobPace(left[job_id], at_work[job_id], lent[job_id], done.get(job_id, ()))
        for job_id in workers
    }


async def _steps_left(session: AsyncSession) -> Mapping[str, int]:
    query = select(_jobs.id, (_jobs.steps_total - _jobs.steps_completed).label("left")).where(
        _jobs.status == JobStatus.ACTIVE
    )
    return {row.id: row.left for row in await session.execute(query)}


async def _recently_done(
    session: AsyncSession, worker_ids: Collection[str]
) -> Mapping[str, Sequence[Done]]:
    """Return completed tasks among the newest tasks of these workers, by job, oldest first."""
    rows: list[Row[Any]] = []
    ids = sorted(worker_ids)
    for first in range(0, len(ids), _WORKERS_AT_ONCE):
        of_each = [
            select(
                _tasks.job_id,
                _tasks.status,
                _tasks.started_at,
                _tasks.ended_at,
                _tasks.steps_total,
            )
            .where(_tasks.worker_id == worker_id)
            .order_by(_tasks.updated.desc())
            .limit(_TASKS_OF_WORKER)
            .subquery()
            for worker_id in ids[first : first + _WORKERS_AT_ONCE]
        ]
        rows += await session.execute(union_all(*(select(each) for each in of_each)))
    ended = sorted(
        (row.ended_at, row.started_at, row.job_id, row.steps_total)
        for row in rows
        if row.status is TaskStatus.COMPLETED and row.started_at and row.ended_at
    )
    done: defaultdict[str, list[Done]] = defaultdict(list)
    for ended_at, started_at, job_id, steps in ended:
        done[job_id].append(Done((ended_at - started_at).total_seconds(), max(1, steps)))
    return done
