"""Workers with all that we know of them, and pausing them."""

from fastapi import APIRouter

from manager_api.auth import Anybody
from manager_api.contract.meta import Error
from manager_api.dependencies import FarmWorkers, Workers
from manager_api.routers.parameters import WorkerId
from manager_api.services.farm_workers import FarmWorker, FarmWorkerList

router = APIRouter(
    prefix="/api/tablao/v1/workers",
    tags=["workers"],
    dependencies=[Anybody],
    responses={"default": {"model": Error}},
)


@router.get("", operation_id="getWorkers")
async def get_workers(workers: FarmWorkers) -> FarmWorkerList:
    return await workers.all()


@router.get("/{worker_id}", operation_id="getWorker")
async def get_worker(worker_id: WorkerId, workers: FarmWorkers) -> FarmWorker:
    return await workers.get(worker_id)


@router.post("/{worker_id}/pause", operation_id="pauseWorker", status_code=204)
async def pause_worker(worker_id: WorkerId, workers: Workers) -> None:
    """It finishes what it runs and gets nothing more, but stays awake."""
    await workers.pause(worker_id, is_paused=True)


@router.post("/{worker_id}/resume", operation_id="resumeWorker", status_code=204)
async def resume_worker(worker_id: WorkerId, workers: Workers) -> None:
    await workers.pause(worker_id, is_paused=False)
