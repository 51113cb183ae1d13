"""A worker's recent tasks, its blocks, and the statistics of its machine."""

from datetime import UTC, datetime

from manager_api.contract.farm_workers import (
    FarmWorkerBlock,
    FarmWorkerBlocklist,
    FarmWorkerTaskList,
    MachineHistory,
    MachineSample,
)
from manager_api.database.engine import Database
from manager_api.workers import store as workers
from manager_api.workers import task_store as worker_tasks
from manager_api.workers.farm_workers import ConnectedHosts, task_answer
from manager_api.workers.machine_history import SAMPLE_EVERY_S, Sample


class WorkerHistoryService:
    def __init__(self, database: Database, hosts: ConnectedHosts) -> None:
        self._database = database
        self._hosts = hosts

    async def statistics(self, worker_id: str, minutes: int) -> MachineHistory:
        """Return the machine's samples; none if its host is connected to another manager."""
        async with self._database.reading() as session:
            await workers.existing_worker(session, worker_id)
        samples = self._hosts.history.since(worker_id, minutes * 60)
        return MachineHistory(
            sample_every_s=SAMPLE_EVERY_S, samples=[_sample(sample) for sample in samples]
        )

    async def tasks(self, worker_id: str, limit: int) -> FarmWorkerTaskList:
        async with self._database.reading() as session:
            await workers.existing_worker(session, worker_id)
            rows = await worker_tasks.recent_tasks(session, worker_id, limit)
        return FarmWorkerTaskList(tasks=[task_answer(row) for row in rows])

    async def blocklist(self, worker_id: str) -> FarmWorkerBlocklist:
        async with self._database.reading() as session:
            await workers.existing_worker(session, worker_id)
            rows = await worker_tasks.blocks_of(session, worker_id)
        blocks = [
            FarmWorkerBlock(job_id=job_id, job_name=name, owner=owner, task_type=task_type)
            for job_id, name, owner, task_type in rows
        ]
        return FarmWorkerBlocklist(blocklist=blocks)


def _sample(sample: Sample) -> MachineSample:
    return MachineSample(
        at=datetime.fromtimestamp(sample.at, UTC),
        cpu_percent=sample.cpu_percent,
        memory_percent=sample.memory_percent,
        disk_percent=sample.disk_percent,
        gpu_percents=list(sample.gpu_percents),
        gpu_memory_percents=list(sample.gpu_memory_percents),
    )
