"""Our interface: workers as Tablao shows them, with facts that Flamenco has no fields for."""

from datetime import datetime

from manager_api.contract.base import Answer
from manager_api.contract.machine import MachineStatistics
from manager_api.contract.worker_management import WorkerSleepSchedule
from manager_api.contract.workers import WorkerStatusChange, WorkerTag
from workflows.domain.statuses import TaskStatus, WorkerStatus


class FarmWorkerTask(Answer):
    """A task as its worker's page shows it."""

    id: str
    name: str
    status: TaskStatus
    task_type: str
    job_id: str
    job_name: str
    updated: datetime
    started_at: datetime | None
    """When its newest attempt began; null before the first."""


class FarmWorkerTaskList(Answer):
    tasks: list[FarmWorkerTask]


class FarmWorkerBlock(Answer):
    """A task type that a worker no longer gets in a job, because it failed too often there."""

    job_id: str
    job_name: str
    owner: str | None
    """The id of the account that submitted the job; null without one."""
    task_type: str


class FarmWorkerBlocklist(Answer):
    blocklist: list[FarmWorkerBlock]


class MachineSample(Answer):
    """A machine's statistics at one time; percentages are 0-100, null if the host sent no value."""

    at: datetime
    cpu_percent: int | None
    memory_percent: int | None
    disk_percent: int | None
    gpu_percents: list[int | None]
    gpu_memory_percents: list[int | None]


class MachineHistory(Answer):
    """A machine's samples, oldest first, one per `sample_every_s`; it has gaps without reports."""

    sample_every_s: float
    samples: list[MachineSample]


class WorkerAside(Answer):
    """A cause because of which a worker is set aside."""

    cause: str
    reason: str
    task_types: list[str]
    """The task types that it does not get; empty: it gets no task."""
    since: datetime


class FarmWorker(Answer):
    """A worker. `status_change`, `last_seen` and `sleep_schedule` are null if they do not exist."""

    id: str
    name: str
    status: WorkerStatus
    status_change: WorkerStatusChange | None
    is_paused: bool
    is_waiting: bool
    """Whether it waits to be let in: it gets no tasks until then."""
    is_rotating: bool
    """Whether its host is to take a new secret: the old one counts, too, until it has used it."""
    created: datetime
    """When it registered."""
    set_aside: list[WorkerAside]
    """Why it gets no tasks, or none of some types, until its machine is mended."""
    is_connected: bool
    """Whether its control channel to this manager is open."""
    is_http: bool
    """Whether it asks for tasks over HTTP, as a stock Flamenco Worker does."""
    slots: int
    """The slots in force: its own, or those that the farm has set for it."""
    session: int
    platform: str
    ip_address: str
    version: str
    can_restart: bool
    supported_task_types: list[str]
    """The task types in force: its own, or those that the farm has set for it."""
    tags: list[WorkerTag]
    sleep_schedule: WorkerSleepSchedule | None
    last_seen: datetime | None
    statistics: MachineStatistics
    """The statistics of the machine that its host last reported."""
    tasks: list[FarmWorkerTask]
    """The tasks that it runs now."""
    idle_reason: str | None
    """Why it has no task, in a sentence; null if it is lent to a job, or takes no work."""


class FarmWorkerList(Answer):
    workers: list[FarmWorker]
