"""The keeper's audit of a real Temporal: what was set back in time, and workflows of no job."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, update
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.keeper_memory import Wakeup
from activities.keeping import Epoch
from activities.projection import Projection
from manager_api.database.engine import Database
from manager_api.database.tables import JobRow
from manager_api.jobs.projection import SqlProjectionStore
from manager_api.keeper.store import SqlKeeperStore
from manager_api.temporal.orchestrator import TemporalJobs, workflow_id
from manager_api.temporal.server import TemporalServer
from workflows.activity_contracts import MANAGER_TASK_QUEUE
from workflows.domain.keeping import KeeperTimes, OpenRun, StoredRun
from workflows.domain.messages import RunKey, StartJob
from workflows.domain.statuses import WorkerStatus
from workflows.job import JobWorkflow

Make = Callable[..., Awaitable[str]]

pytestmark = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


class NoHosts:
    """A farm without render machines."""

    def is_present(self, worker_id: str) -> bool:
        return False

    async def order_status(self, worker_id: str, status: WorkerStatus) -> bool:
        return False

    async def disconnect(self, worker_id: str, reason: str) -> None: ...

    async def stop_run(self, worker_id: str, key: RunKey, reason: str) -> bool:
        return False

    async def settled(self, worker_id: str, key: RunKey) -> None: ...


class Store(SqlKeeperStore):
    """The keeper's store, in which a job may end after its row was read for an audit."""

    read_earlier: list[StoredRun] | None = None

    async def unfinished_runs(self) -> list[StoredRun]:
        return self.read_earlier or await super().unfinished_runs()


class Farm:
    """The keeper, the database and a Temporal of their own: an audit ends what it does not know."""

    def __init__(self, db: Database, client: Client) -> None:
        self.client = client
        self.jobs = TemporalJobs(client, db)
        self.store = Store(db)
        self._db = db
        self._epoch = 0

    async def start(self) -> Epoch:
        """All starts of a new keeper."""
        number = await self.store.next_epoch()
        epoch = Epoch(number, self.store, self.jobs, NoHosts(), Wakeup(), KeeperTimes())
        async with asyncio.TaskGroup() as starting:
            await epoch.start_jobs(starting)
        return epoch

    async def keep(self) -> None:
        """All starts, one pass and one audit of a new keeper."""
        epoch = await self.start()
        await epoch.make_pass()
        await epoch.audit_if_due()

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(60):
            while not await condition():
                await self.keep()

    async def row(self, job_id: str) -> JobRow:
        async with self._db.reading() as session:
            return await session.get_one(JobRow, job_id)

    async def change_row(self, job_id: str, **values: object) -> None:
        """As if the row were one of another time."""
        async with self._db.writing() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))

    async def delete_row(self, job_id: str) -> None:
        async with self._db.writing() as session:
            await session.execute(delete(JobRow).where(JobRow.id == job_id))

    async def start_workflow(self, id_: str, *, memo: Mapping[str, Any], task_queue: str) -> None:
        """As a person or another program may do it."""
        start = StartJob("no job", 1)
        await self.client.start_workflow(
            "Job", start, id=id_, memo=memo, task_queue=task_queue, start_delay=timedelta(hours=1)
        )

    async def status(self, id_: str) -> WorkflowExecutionStatus | None:
        return (await self.client.get_workflow_handle(id_).describe()).status

    async def at_work(self, job_id: str) -> StoredRun:
        """The job has its workflow, which has made its first write and has nothing more to say."""
        # Not `until`: an audit beside the first write makes the workflow tell everything again.
        await self.start()
        async with asyncio.timeout(60):
            while not (await self.row(job_id)).sequence:
                pass
        row = await self.row(job_id)
        return StoredRun(job_id, row.run, row.sequence)


@pytest.fixture
async def farm(db: Database, tmp_path: Path) -> AsyncIterator[Farm]:
    server = TemporalServer(tmp_path / "temporal", stop_timeout=2.0)
    await server.start()
    client = await Client.connect(server.address, data_converter=pydantic_data_converter)
    projection = Projection(SqlProjectionStore(db), NoHosts(), Wakeup())
    worker = Worker(
        client,
        task_queue=MANAGER_TASK_QUEUE,
        workflows=[JobWorkflow],
        activities=[projection.claim_job, projection.store_changes],
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    async with worker:
        yield Farm(db, client)
    await server.stop()


async def test_an_audit_leaves_alone_what_agrees(farm: Farm, insert: Make) -> None:
    job_id = await insert()
    stored = await farm.at_work(job_id)

    await farm.keep()

    assert await farm.jobs.open_run(stored) == OpenRun(stored.run, stored.sequence)
    assert (await farm.row(job_id)).run == 1


async def test_a_database_that_is_behind_is_told_everything(farm: Farm, insert: Make) -> None:
    job_id = await insert()
    stored = await farm.at_work(job_id)
    await farm.change_row(job_id, sequence=0, last_write=None, priority=1, demand=None)

    async def knows_everything() -> bool:
        row = await farm.row(job_id)
        return row.sequence > stored.sequence and row.priority == 50 and row.demand is not None

    await farm.until(knows_everything)
    assert (await farm.row(job_id)).run == 1


async def test_a_workflow_that_is_behind_makes_room_for_a_new_run(farm: Farm, insert: Make) -> None:
    job_id = await insert()
    stored = await farm.at_work(job_id)
    await farm.change_row(job_id, sequence=stored.sequence + 5)

    async def has_a_new_run() -> bool:
        open_run = await farm.jobs.open_run(StoredRun(job_id, 2, 0))
        return open_run is not None and open_run.run == 2

    await farm.until(has_a_new_run)


async def test_a_workflow_of_no_job_is_ended(farm: Farm, insert: Make) -> None:
    job_id = await insert()
    await farm.at_work(job_id)
    await farm.delete_row(job_id)

    async def has_ended() -> bool:
        return await farm.status(workflow_id(job_id)) is WorkflowExecutionStatus.TERMINATED

    await farm.until(has_ended)


@pytest.mark.parametrize(
    ("id_", "memo", "task_queue"),
    [
        (workflow_id(str(uuid4())), {"run": 1}, "polled by no worker"),
        (workflow_id(str(uuid4())), {}, "polled by no worker"),
        (workflow_id(str(uuid4())), {"run": "the first"}, "polled by no worker"),
        (workflow_id(str(uuid4())), {"run": [1]}, "polled by no worker"),
        ("job-0\0", {"run": 1}, MANAGER_TASK_QUEUE),
        ("by hand", {"run": 1}, MANAGER_TASK_QUEUE),
    ],
    ids=["of no job", "without a number", "no number", "a list", "no UUID", "no job's id"],
)
async def test_workflows_that_no_manager_started_are_ended(
    farm: Farm, id_: str, memo: Mapping[str, Any], task_queue: str
) -> None:
    await farm.start_workflow(id_, memo=memo, task_queue=task_queue)

    async def has_ended() -> bool:
        return await farm.status(id_) is WorkflowExecutionStatus.TERMINATED

    await farm.until(has_ended)


async def test_workflows_of_other_programs_are_left_alone(farm: Farm) -> None:
    await farm.start_workflow("job-7", memo={}, task_queue="another program's")
    await farm.start_workflow(workflow_id(str(uuid4())), memo={}, task_queue="another program's")

    async def is_listed() -> bool:
        return len([each async for each in farm.jobs.open_workflows()]) == 1

    # Not `until`: its audits would end the workflow that is to be listed.
    async with asyncio.timeout(60):
        while not await is_listed():
            pass
    await farm.keep()
    assert await farm.status("job-7") is WorkflowExecutionStatus.RUNNING


async def test_a_job_that_ends_during_an_audit_raises_no_alarm(
    farm: Farm, insert: Make, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = await insert()
    stored = await farm.at_work(job_id)
    await farm.change_row(job_id, is_ended=True)
    await farm.client.get_workflow_handle(workflow_id(job_id)).terminate()
    farm.store.read_earlier = [stored]

    with caplog.at_level(logging.INFO, "activities.keeping"):
        await farm.keep()

    assert caplog.messages == []
    assert (await farm.row(job_id)).run == stored.run
