"""Our interface: workers as Tablao shows them, with what Flamenco's interface has no fields for."""

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


class FarmWorkerTaskList(Answer):
    tasks: list[FarmWorkerTask]


class FarmWorkerBlock(Answer):
    """A type of task that it failed too often in a job, and so gets no more there."""

    job_id: str
    job_name: str
    task_type: str


class FarmWorkerBlocklist(Answer):
    blocklist: list[FarmWorkerBlock]


class MachineSample(Answer):
    """Percentages are 0-100; null is what the host did not tell."""

    at: datetime
    cpu_percent: int | None
    memory_percent: int | None
    disk_percent: int | None
    gpu_percents: list[int | None]
    gpu_memory_percents: list[int | None]


class MachineHistory(Answer):
    """Oldest first, one per `sample_every_s`; what is missing was not told."""

    sample_every_s: float
    samples: list[MachineSample]


class FarmWorker(Answer):
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
    statistics: MachineStatistics
    """What its host last said of the machine."""
    tasks: list[FarmWorkerTask]
    """What it runs now."""


class FarmWorkerList(Answer):
    workers: list[FarmWorker]
