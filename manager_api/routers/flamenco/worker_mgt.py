"""Flamenco's operations on workers."""

from fastapi import APIRouter

from manager_api.auth import Anybody
from manager_api.contract.meta import Error
from manager_api.contract.workers import Worker, WorkerList, WorkerStatusChangeRequest
from manager_api.dependencies import Workers
from manager_api.routers.parameters import WorkerId

router = APIRouter(
    prefix="/api/v3/worker-mgt",
    tags=["worker-mgt"],
    dependencies=[Anybody],
    responses={"default": {"model": Error}},
)


@router.get("/workers", operation_id="fetchWorkers", response_model_exclude_none=True)
async def fetch_workers(workers: Workers) -> WorkerList:
    return await workers.all()


@router.get("/workers/{worker_id}", operation_id="fetchWorker", response_model_exclude_none=True)
async def fetch_worker(worker_id: WorkerId, workers: Workers) -> Worker:
    return await workers.get(worker_id)


@router.post(
    "/workers/{worker_id}/setstatus", operation_id="requestWorkerStatusChange", status_code=204
)
async def request_worker_status_change(
    worker_id: WorkerId, change: WorkerStatusChangeRequest, workers: Workers
) -> None:
    await workers.request_status(worker_id, change.status, is_lazy=change.is_lazy)
