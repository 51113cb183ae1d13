"""Workers with all that Tablao knows of them, and pausing them."""

from typing import Annotated

from fastapi import APIRouter, Query

from manager_api.contract.farm_workers import (
    FarmWorker,
    FarmWorkerBlocklist,
    FarmWorkerList,
    FarmWorkerTaskList,
    MachineHistory,
)
from manager_api.web.auth import ChangingWorkers, Reading
from manager_api.web.dependencies import FarmWorkers, Parts, Upgrades, WorkerHistory, Workers
from manager_api.web.parameters import WorkerId
from manager_api.web.responses import ERROR, refusal

router = APIRouter(
    prefix="/api/tablao/v1/workers",
    tags=["workers"],
    responses=ERROR,
)


@router.get("", operation_id="getWorkers", dependencies=[Reading])
async def get_workers(workers: FarmWorkers) -> FarmWorkerList:
    return await workers.all()


@router.get("/{worker_id}", operation_id="getWorker", dependencies=[Reading])
async def get_worker(worker_id: WorkerId, workers: FarmWorkers) -> FarmWorker:
    return await workers.get(worker_id)


@router.get("/{worker_id}/statistics", operation_id="getWorkerStatistics", dependencies=[Reading])
async def get_worker_statistics(
    worker_id: WorkerId,
    history: WorkerHistory,
    minutes: Annotated[int, Query(ge=1, le=60)] = 60,
) -> MachineHistory:
    """Return the machine's past statistics that this manager knows. New ones come as events."""
    return await history.statistics(worker_id, minutes)


@router.get("/{worker_id}/tasks", operation_id="getWorkerTasks", dependencies=[Reading])
async def get_worker_tasks(
    worker_id: WorkerId,
    history: WorkerHistory,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> FarmWorkerTaskList:
    """Return the worker's tasks that changed last, the latest first."""
    return await history.tasks(worker_id, limit)


@router.get("/{worker_id}/blocklist", operation_id="getWorkerBlocklist", dependencies=[Reading])
async def get_worker_blocklist(worker_id: WorkerId, history: WorkerHistory) -> FarmWorkerBlocklist:
    """Return the task types that the worker no longer gets, and in which jobs."""
    return await history.blocklist(worker_id)


@router.post(
    "/{worker_id}/pause",
    operation_id="pauseWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def pause_worker(worker_id: WorkerId, workers: Workers) -> None:
    """Pause a worker: it finishes its tasks and gets no new ones, but stays awake."""
    await workers.pause(worker_id, is_paused=True)


@router.post(
    "/{worker_id}/resume",
    operation_id="resumeWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def resume_worker(worker_id: WorkerId, workers: Workers) -> None:
    await workers.pause(worker_id, is_paused=False)


@router.post(
    "/{worker_id}/forgive",
    operation_id="forgiveWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def forgive_worker(worker_id: WorkerId, workers: Workers) -> None:
    """Let a worker that is set aside take tasks again, until it meets the fault again."""
    await workers.forgive(worker_id)


@router.post(
    "/{worker_id}/upgrade",
    operation_id="upgradeWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
    responses=refusal(409) | refusal(503),
)
async def upgrade_worker(worker_id: WorkerId, upgrades: Upgrades, parts: Parts) -> None:
    """Order a worker's host to install this manager's version, and to go on with it.

    Its tasks go on meanwhile. `getVersions` says how far the upgrade is, or why it failed.
    """
    await upgrades.order(worker_id, is_connected=parts.is_host_connected(worker_id))
