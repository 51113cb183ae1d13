"""A farm of workers that speak HTTP, on a real database; Temporal is a stand-in."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
from sqlalchemy import select, update

from manager_api.database.engine import utc_now
from manager_api.database.tables import (
    HttpRunRow,
    HttpRunState,
    JobRow,
    LeaseRow,
    LeaseState,
    TaskRow,
    WorkerRow,
    WorkerSlotRow,
)
from manager_api.http_workers.keeping import Answer, HttpRunKeeping, OutcomeDelivery
from manager_api.runs.http_store import Activity
from tests.manager.stand_in_farm import Credentials, Farm
from workflows.domain.messages import Outcome, RunKey, RunRef
from workflows.domain.run_times import FarmTimes
from workflows.domain.statuses import TaskStatus

#: How long a poll waits here for nothing.
POLL_S = 0.3


@dataclass
class StandInActivities:
    """Temporal: remembers what it was told of activities, and answers as the test says."""

    completed: list[tuple[str, str, Outcome]] = field(default_factory=list)
    beaten: list[str] = field(default_factory=list)
    answer: Answer = Answer.GOES_ON

    async def complete(self, activity: Activity, outcome: Outcome) -> Answer:
        if self.answer is Answer.GOES_ON:
            self.completed.append((str(activity.key), activity.activity_id, outcome))
        return self.answer

    async def heartbeat(self, activity: Activity) -> Answer:
        self.beaten.append(activity.activity_id)
        return self.answer


@dataclass
class HttpFarm:
    """What the keeper and the jobs' workflows do, and a look behind the API."""

    farm: Farm
    api: httpx.AsyncClient
    temporal: StandInActivities

    def __post_init__(self) -> None:
        self.runs = self.farm.parts.http_runs
        self.times = FarmTimes()
        self.keeping = HttpRunKeeping(self.runs, self.temporal, lambda: 1.0, lambda: self.times)
        self.delivery = OutcomeDelivery(self.farm.parts.database, self.temporal)

    async def lend(self, worker_id: str, job_id: str) -> LeaseRow:
        async with self.farm.parts.database.writing() as session:
            slot = await session.get(WorkerSlotRow, (worker_id, 0))
            if slot is None:
                slot = WorkerSlotRow(worker_id=worker_id, slot=0, generation=0)
                session.add(slot)
            slot.generation += 1
            open_leases = (LeaseRow.worker_id == worker_id) & (
                LeaseRow.state != LeaseState.RETURNED
            )
            await session.execute(
                update(LeaseRow).where(open_leases).values(state=LeaseState.RETURNED)
            )
            row = LeaseRow(
                id=str(uuid4()), worker_id=worker_id, session=1, slot=0,
                generation=slot.generation, job_id=job_id, run=1, state=LeaseState.HELD, epoch=1,
                changed=utc_now(),
            )  # fmt: skip
            session.add(row)
        return row

    async def offer(
        self, lease: LeaseRow, index: int = 1, attempt: int = 1, activity: str = "1"
    ) -> tuple[RunKey, Outcome | None]:
        """A job's workflow asks the worker for a run; its task is active in the projection."""
        key, outcome = await self.offer_only(lease, index, attempt, activity)
        await self.set_task(
            key, status=TaskStatus.ACTIVE, attempt=attempt, worker_id=lease.worker_id
        )
        return key, outcome

    async def offer_only(
        self, lease: LeaseRow, index: int = 1, attempt: int = 1, activity: str = "1"
    ) -> tuple[RunKey, Outcome | None]:
        """A job's workflow asks the worker for a run."""
        key = RunKey(lease.job_id, index, lease.run, attempt)
        ref = RunRef(*_parts(key), lease.id, lease.slot, lease.generation)
        return key, await self.runs.attach(ref, "run-1", activity)

    async def set_job(self, job_id: str, **values: Any) -> None:
        async with self.farm.parts.database.writing() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))

    async def set_task(self, key: RunKey, **values: Any) -> None:
        task = (TaskRow.job_id == key.job_id) & (TaskRow.index_in_job == key.index)
        async with self.farm.parts.database.writing() as session:
            await session.execute(update(TaskRow).where(task).values(**values))

    async def run(self, key: RunKey) -> HttpRunRow | None:
        async with self.farm.parts.database.reading() as session:
            return await session.get(HttpRunRow, str(key))

    async def outcome(self, key: RunKey) -> tuple[str, str]:
        """Kind and reason; empty while there is none."""
        row = await self.run(key)
        assert row is not None
        return row.outcome, row.reason

    async def state(self, key: RunKey) -> HttpRunState:
        row = await self.run(key)
        assert row is not None
        return row.state

    async def worker(self, worker_id: str) -> WorkerRow:
        async with self.farm.parts.database.reading() as session:
            row = await session.scalar(select(WorkerRow).where(WorkerRow.id == worker_id))
        assert row is not None
        return row

    async def silence(self, key: RunKey, lasting: timedelta) -> None:
        """Nothing was heard of a run for so long, by a manager that listened all the time."""
        long_ago = utc_now() - lasting
        self.runs.presence.listening_since = long_ago - timedelta(days=1)
        async with self.farm.parts.database.writing() as session:
            run = HttpRunRow.key == str(key)
            values = {"touched": long_ago, "reported": long_ago}
            await session.execute(update(HttpRunRow).where(run).values(values))

    async def hang(self, key: RunKey, lasting: timedelta) -> None:
        """The worker has asked whether it may go on, but reported nothing for so long."""
        await self.silence(key, lasting)
        async with self.farm.parts.database.writing() as session:
            run = HttpRunRow.key == str(key)
            await session.execute(update(HttpRunRow).where(run).values(touched=utc_now()))

    async def task(self, key: RunKey) -> TaskRow:
        task = (TaskRow.job_id == key.job_id) & (TaskRow.index_in_job == key.index)
        async with self.farm.parts.database.reading() as session:
            row = await session.scalar(select(TaskRow).where(task))
        assert row is not None
        return row


def _parts(key: RunKey) -> tuple[str, int, int, int]:
    return key.job_id, key.index, key.run, key.attempt


@dataclass
class AtWork:
    """A worker that was given the first task of a job."""

    auth: Credentials
    lease: LeaseRow
    key: RunKey
    task: dict[str, Any]
    """As assigned."""

    @property
    def task_url(self) -> str:
        return f"/api/v3/worker/task/{self.task['uuid']}"
