"""Our interface: what a worker does, did, may no longer do, and how its machine is."""

from datetime import datetime

from manager_api.contract.base import Answer
from workflows.domain.statuses import TaskStatus


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
