"""Workflows, keeper and hosts write at the same time; nothing is lost and nobody deadlocks."""

import asyncio
from collections.abc import Awaitable, Callable

from manager_api.database.engine import Database, utc_now
from manager_api.jobs import store as jobs
from manager_api.jobs import task_store as tasks
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.store import SqlKeeperStore
from manager_api.workers import store as workers
from workflows.domain.matchmaking import Offer
from workflows.domain.messages import (
    Demand,
    LeaseReturned,
    ProjectionWrite,
    TasksMoved,
    Want,
    WriteAnswer,
)
from workflows.domain.statuses import TaskStatus, WorkerStatus

Make = Callable[..., Awaitable[str]]
TASKS = 12


async def test_everybody_writes_at_once(db: Database, insert: Make, worker: Make) -> None:
    worker_ids = [await worker(name) for name in ("carmen", "lola", "paco")]
    job_ids = [await insert(TASKS) for _ in worker_ids]
    keeper, projection = SqlKeeperStore(db), SqlProjectionStore(db)
    epoch = await keeper.next_epoch()

    async def run_job(job_id: str, worker_id: str) -> None:
        for sequence in range(1, TASKS + 1):
            [lease] = await keeper.write_offers(epoch, [Offer(worker_id, 1, 0, job_id, 1)])
            index = str(sequence)
            write = ProjectionWrite(
                job_id,
                1,
                sequence,
                tasks=(
                    TasksMoved(index, TaskStatus.ACTIVE, "Started", worker_id=worker_id, attempt=1),
                    TasksMoved(index, TaskStatus.COMPLETED, "Completed"),
                ),
                held=(lease.id,),
                returned=(LeaseReturned(lease.id, worker_id, sequence, "nothing to do"),),
                demand=Demand(sequence, (Want("blender", 1),)),
            )
            assert await projection.store(write) is WriteAnswer.STORED

    async def report(job_id: str, worker_id: str) -> None:
        for step in range(TASKS):
            async with db.writing() as session:
                await tasks.set_steps_of_many(session, job_id, dict.fromkeys(range(1, 13), step))
            async with db.writing() as session:
                row = await workers.existing_worker_to_change(session, worker_id)
                workers.set_status(session, row, WorkerStatus.AWAKE)
            async with db.writing() as session:
                await workers.seen(session, sorted(worker_ids), utc_now())
            await keeper.snapshot(lambda _: True)

    async with asyncio.timeout(120), asyncio.TaskGroup() as group:
        for job_id, worker_id in zip(job_ids, worker_ids, strict=True):
            group.create_task(run_job(job_id, worker_id))
            group.create_task(report(job_id, worker_id))

    async with db.reading() as session:
        rows = [await jobs.job(session, job_id) for job_id in job_ids]
    assert [row and (row.sequence, row.steps_completed) for row in rows] == [(TASKS, 120)] * 3
    assert (await keeper.snapshot(lambda _: True)).leases == ()
