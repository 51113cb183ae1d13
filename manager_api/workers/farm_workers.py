"""Workers as Tablao shows them: with what Flamenco's interface has no fields for."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol

from pydantic import BaseModel
from sqlalchemy import select

from manager_api.contract.errors import WorkerNotFound
from manager_api.contract.farm_workers import FarmWorkerTask
from manager_api.contract.worker_management import WorkerSleepSchedule
from manager_api.contract.workers import WorkerStatusChange, WorkerTag
from manager_api.database.engine import Database, Session
from manager_api.database.tables import (
    SleepScheduleRow,
    WorkerRow,
    WorkerTagMembershipRow,
    WorkerTagRow,
)
from manager_api.workers import provision_store as provisions
from manager_api.workers import store as workers
from manager_api.workers import task_store as worker_tasks
from manager_api.workers.machine_history import HostHistory
from workflows.domain.provisioning import Provision
from workflows.domain.statuses import WorkerStatus


class FarmWorker(BaseModel):
    """A worker. `status_change`, `last_seen` and `sleep_schedule` are null when there is none."""

    id: str
    name: str
    status: WorkerStatus
    status_change: WorkerStatusChange | None
    is_paused: bool
    is_connected: bool
    """Its control channel to this manager is open."""
    is_http: bool
    """It asks for its tasks over HTTP, as a stock Flamenco Worker does."""
    slots: int
    """In force: its own, or those that the farm has set for it."""
    session: int
    platform: str
    ip_address: str
    version: str
    can_restart: bool
    supported_task_types: list[str]
    """In force, as `slots`."""
    tags: list[WorkerTag]
    sleep_schedule: WorkerSleepSchedule | None
    last_seen: datetime | None
    statistics: dict[str, Any]
    """What its host last said of the machine; empty if nothing."""
    tasks: list[FarmWorkerTask]
    """What it runs now."""


class FarmWorkerList(BaseModel):
    workers: list[FarmWorker]


class ConnectedHosts(Protocol):
    @property
    def connected(self) -> frozenset[str]: ...
    def statistics(self, worker_id: str) -> Mapping[str, Any]: ...
    def progress_of_job(self, job_id: str) -> Mapping[int, Mapping[str, Any]]: ...
    @property
    def history(self) -> HostHistory: ...


class NoHosts:
    """Of a manager that serves none."""

    connected: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.history = HostHistory()

    def statistics(self, worker_id: str) -> Mapping[str, Any]:
        return {}

    def progress_of_job(self, job_id: str) -> Mapping[int, Mapping[str, Any]]:
        return {}


class FarmWorkerService:
    def __init__(self, database: Database, hosts: ConnectedHosts) -> None:
        self._database = database
        self._hosts = hosts

    async def all(self) -> FarmWorkerList:
        """By name."""
        async with self._database.reading() as session:
            rows = await workers.all_workers(session)
            return FarmWorkerList(workers=await self._answers(session, rows))

    async def get(self, worker_id: str) -> FarmWorker:
        async with self._database.reading() as session:
            row = await workers.worker(session, worker_id)
            if row is None:
                raise WorkerNotFound(worker_id)
            return (await self._answers(session, [row]))[0]

    async def _answers(self, session: Session, rows: Sequence[WorkerRow]) -> list[FarmWorker]:
        tags = await _tags(session)
        schedules = {row.worker_id: row for row in await session.scalars(select(SleepScheduleRow))}
        provided = await provisions.effective(session, rows)
        tasks = await worker_tasks.active_tasks(session, rows[0].id if len(rows) == 1 else None)
        return [
            self._answer(
                row,
                tags[row.id],
                schedules.get(row.id),
                provided[row.id],
                [task_answer(task) for task in tasks[row.id]],
            )
            for row in rows
        ]

    def _answer(
        self,
        row: WorkerRow,
        tags: list[WorkerTag],
        schedule: SleepScheduleRow | None,
        provided: Provision,
        tasks: list[FarmWorkerTask],
    ) -> FarmWorker:
        wish = row.status_requested
        return FarmWorker(
            id=row.id,
            name=row.name,
            status=row.status,
            status_change=(
                WorkerStatusChange(status=wish, is_lazy=row.is_lazy_request) if wish else None
            ),
            is_paused=row.is_paused,
            is_connected=row.id in self._hosts.connected,
            is_http=row.is_http,
            slots=provisions.slots(row, provided),
            session=row.session,
            platform=row.platform,
            ip_address=row.address,
            version=row.software,
            can_restart=row.can_restart,
            supported_task_types=provisions.task_types(row, provided),
            tags=tags,
            sleep_schedule=None if schedule is None else sleep_schedule_answer(schedule),
            last_seen=row.last_seen,
            statistics=dict(self._hosts.statistics(row.id)),
            tasks=tasks,
        )


def task_answer(row: worker_tasks.TaskAndJob) -> FarmWorkerTask:
    task, job_name = row
    return FarmWorkerTask(
        id=task.id,
        name=task.name,
        status=task.status,
        task_type=task.task_type,
        job_id=task.job_id,
        job_name=job_name,
        updated=task.updated,
    )


def sleep_schedule_answer(row: SleepScheduleRow) -> WorkerSleepSchedule:
    return WorkerSleepSchedule(
        is_active=row.is_active,
        days_of_week=row.days_of_week,
        start_time=row.start_time,
        end_time=row.end_time,
    )


async def _tags(session: Session) -> defaultdict[str, list[WorkerTag]]:
    """By worker, each by name."""
    query = (
        select(WorkerTagMembershipRow.worker_id, WorkerTagRow)
        .join(WorkerTagRow, WorkerTagRow.id == WorkerTagMembershipRow.tag_id)
        .order_by(WorkerTagRow.name)
    )
    found: defaultdict[str, list[WorkerTag]] = defaultdict(list)
    for worker_id, row in await session.execute(query):
        tag = WorkerTag(id=row.id, name=row.name, description=row.description)
        found[worker_id].append(tag)
    return found
