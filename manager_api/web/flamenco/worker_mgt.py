"""Flamenco's operations on workers."""

from fastapi import APIRouter, Response

from manager_api.contract.worker_management import WorkerSleepSchedule, WorkerTagChangeRequest
from manager_api.contract.workers import Worker, WorkerList, WorkerStatusChangeRequest
from manager_api.web.auth import ChangingWorkers, Reading
from manager_api.web.dependencies import SleepSchedules, Workers, WorkerTags
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import WorkerId
from manager_api.web.responses import ERROR, without_body

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/worker-mgt",
    tags=["worker-mgt"],
    responses=ERROR,
)


@router.get(
    "/workers",
    operation_id="fetchWorkers",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def fetch_workers(workers: Workers) -> WorkerList:
    return await workers.all()


@router.get(
    "/workers/{worker_id}",
    operation_id="fetchWorker",
    dependencies=[Reading],
    response_model_exclude_none=True,
)
async def fetch_worker(worker_id: WorkerId, workers: Workers) -> Worker:
    return await workers.get(worker_id)


@router.post(
    "/workers/{worker_id}/setstatus",
    operation_id="requestWorkerStatusChange",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def request_worker_status_change(
    worker_id: WorkerId, change: WorkerStatusChangeRequest, workers: Workers
) -> None:
    await workers.request_status(worker_id, change.status, is_lazy=change.is_lazy)


@router.delete(
    "/workers/{worker_id}",
    operation_id="deleteWorker",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def delete_worker(worker_id: WorkerId, workers: Workers) -> None:
    await workers.delete(worker_id)


@router.post(
    "/workers/{worker_id}/settags",
    operation_id="setWorkerTags",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def set_worker_tags(
    worker_id: WorkerId, change: WorkerTagChangeRequest, tags: WorkerTags
) -> None:
    await tags.set_of_worker(worker_id, change.tag_ids)


@router.get(
    "/workers/{worker_id}/sleep-schedule",
    operation_id="fetchWorkerSleepSchedule",
    dependencies=[Reading],
    response_model=WorkerSleepSchedule,
    responses=without_body(204, "The worker has no sleep schedule"),
)
async def fetch_worker_sleep_schedule(
    worker_id: WorkerId, schedules: SleepSchedules
) -> WorkerSleepSchedule | Response:
    return await schedules.get(worker_id) or Response(status_code=204)


@router.post(
    "/workers/{worker_id}/sleep-schedule",
    operation_id="setWorkerSleepSchedule",
    dependencies=[ChangingWorkers],
    status_code=204,
)
async def set_worker_sleep_schedule(
    worker_id: WorkerId, schedule: WorkerSleepSchedule, schedules: SleepSchedules
) -> None:
    await schedules.save(worker_id, schedule)
