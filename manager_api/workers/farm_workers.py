"""Workers as Tablao shows them, with facts that Flamenco's API has no fields for."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from manager_api.contract.farm_workers import (
    FarmWorker,
    FarmWorkerList,
    FarmWorkerTask,
    WorkerAside,
)
from manager_api.contract.machine import MachineStatistics, RunProgress
from manager_api.contract.worker_management import WorkerSleepSchedule
from manager_api.contract.workers import WorkerStatusChange, WorkerTag
from manager_api.database.engine import Database, Session
from manager_api.database.tables import SleepScheduleRow, WorkerRow, WorkerTagRow
from manager_api.workers import provision_store as provisions
from manager_api.workers import sleep_store as sleep_schedules
from manager_api.workers import store as workers
from manager_api.workers import tag_store as tags
from manager_api.workers import task_store as worker_tasks
from manager_api.workers.machine_history import HostHistory
from workflows.domain.idleness import NOTHING_WAITS
from workflows.domain.provisioning import Provision
from workflows.domain.statuses import WorkerStatus


class ConnectedHosts(Protocol):
    @property
    def connected(self) -> frozenset[str]: ...
    def statistics(self, worker_id: str) -> MachineStatistics: ...
    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]: ...
    @property
    def history(self) -> HostHistory: ...
    @property
    def clocks(self) -> Mapping[str, float]:
        """By how much hosts' clocks are ahead of the manager's, in seconds, by worker id."""
        ...


class NoHosts:
    """Stands in for the hosts in a manager that serves no hosts."""

    connected: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.history = HostHistory()
        self.clocks: Mapping[str, float] = {}

    def statistics(self, worker_id: str) -> MachineStatistics:
        return MachineStatistics()

    def progress_of_job(self, job_id: str) -> Mapping[int, RunProgress]:
        return {}


class FarmWorkerService:
    def __init__(self, database: Database, hosts: ConnectedHosts) -> None:
        self._database = database
        self._hosts = hosts

    async def all(self) -> FarmWorkerList:
        """Return all workers, sorted by name."""
        async with self._database.reading() as session:
            rows = await workers.all_workers(session)
            return FarmWorkerList(workers=await self._answers(session, rows))

    async def get(self, worker_id: str) -> FarmWorker:
        async with self._database.reading() as session:
            row = await workers.existing_worker(session, worker_id)
            return (await self._answers(session, [row]))[0]

    async def _answers(self, session: Session, rows: Sequence[WorkerRow]) -> list[FarmWorker]:
        tagged = await tags.by_worker(session)
        schedules = await sleep_schedules.by_worker(session)
        provided = await provisions.effective(session, rows)
        tasks = await worker_tasks.active_tasks(session, rows[0].id if len(rows) == 1 else None)
        lent = await worker_tasks.lent_workers(session)
        return [
            self._answer(
                row,
                [tag_answer(tag) for tag in tagged.get(row.id, ())],
                schedules.get(row.id),
                provided[row.id],
                [task_answer(task) for task in tasks[row.id]],
                is_lent=row.id in lent,
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
        *,
        is_lent: bool,
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
            is_waiting=row.is_waiting,
            is_rotating=row.new_secret_hashes is not None,
            created=row.created,
            set_aside=[WorkerAside.model_validate(each) for each in row.set_aside or ()],
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
            statistics=self._hosts.statistics(row.id),
            tasks=tasks,
            idle_reason=None if is_lent or tasks else idle_reason(row),
        )


def idle_reason(row: WorkerRow) -> str | None:
    """Return why a worker without a task has none; None if it takes no work."""
    takes_work = (
        row.status is WorkerStatus.AWAKE
        and row.status_requested is None
        and not row.is_paused
        and not row.is_waiting
        and not any(not aside["task_types"] for aside in row.set_aside or ())
    )
    return (row.idle_reason or NOTHING_WAITS) if takes_work else None


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
        started_at=task.started_at,
    )


def tag_answer(row: WorkerTagRow) -> WorkerTag:
    return WorkerTag(id=row.id, name=row.name, description=row.description)


def sleep_schedule_answer(row: SleepScheduleRow) -> WorkerSleepSchedule:
    return WorkerSleepSchedule(
        is_active=row.is_active,
        days_of_week=row.days_of_week,
        start_time=row.start_time,
        end_time=row.end_time,
    )
