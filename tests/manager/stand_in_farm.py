"""A manager's parts on a real database; only the way to Temporal is a stand-in."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from sqlalchemy import select, update

from manager_api.database import events
from manager_api.database.engine import Database
from manager_api.database.tables import HandBackRow, JobRow, TaskRow, WorkerRow
from manager_api.jobs import store as jobs
from manager_api.keeper.store import SqlKeeperStore
from manager_api.web.dependencies import ManagerParts
from workflows.domain.job.transitions import check_job_action
from workflows.domain.messages import Change
from workflows.domain.statuses import JobStatus

SECRET = "duende" * 8


class StandInControl:
    """Refuses what the action table refuses, and remembers the rest."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.changes: list[tuple[str, Change]] = []
        self.refusal: Exception | None = None

    async def change(self, job_id: str, change: Change) -> None:
        if self.refusal is not None:
            raise self.refusal
        async with self._database.reading() as session:
            row = await jobs.job(session, job_id)
        assert row is not None
        if change.action is not None:
            check_job_action(row.status, change.action)
        self.changes.append((job_id, change))


@dataclass
class Farm:
    """What tests do behind the API's back."""

    parts: ManagerParts
    control: StandInControl
    ended: frozenset[JobStatus] = field(
        default=frozenset({JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELED})
    )

    async def set_job(self, job_id: str, **values: Any) -> None:
        if "status" in values:
            values.setdefault("is_ended", values["status"] in self.ended)
        async with self.parts.database.writing() as session:
            await session.execute(update(JobRow).where(JobRow.id == job_id).values(**values))

    async def set_task(self, task_id: str, **values: Any) -> None:
        async with self.parts.database.writing() as session:
            await session.execute(update(TaskRow).where(TaskRow.id == task_id).values(**values))

    async def set_worker(self, worker_id: str, **values: Any) -> None:
        async with self.parts.database.writing() as session:
            await session.execute(
                update(WorkerRow).where(WorkerRow.id == worker_id).values(**values)
            )

    async def job(self, job_id: str) -> JobRow:
        async with self.parts.database.reading() as session:
            row = await jobs.job(session, job_id)
        assert row is not None
        return row

    async def ordered_runs(self) -> list[tuple[str, int]]:
        """(job, run) of the workflows that the keeper is to start, oldest order first."""
        return await SqlKeeperStore(self.parts.database).outbox()

    async def hand_back(self, job_id: str, worker_id: str) -> None:
        """The job had no use for the worker."""
        async with self.parts.database.writing() as session:
            session.add(HandBackRow(job_id=job_id, worker_id=worker_id, demand_version=1))

    async def hand_backs(self) -> list[tuple[str, str]]:
        async with self.parts.database.reading() as session:
            rows = await session.scalars(select(HandBackRow))
            return [(row.job_id, row.worker_id) for row in rows]

    async def told(self, topic: str) -> list[dict[str, Any]]:
        """Payloads of the stored events with this topic."""
        async with self.parts.database.reading() as session:
            rows = await events.since(session, 0, topics=[topic])
        return [dict(events.for_clients(row.payload)) for row in rows]


class Credentials(httpx.BasicAuth):
    def __init__(self, worker_id: str, secret: str) -> None:
        super().__init__(worker_id, secret)
        self.id = worker_id
