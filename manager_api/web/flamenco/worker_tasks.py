"""Flamenco's operations of HTTP workers: their state and their tasks."""

from fastapi import APIRouter, Request, Response, Security
from fastapi.responses import JSONResponse

from manager_api.contract.worker_tasks import (
    AssignedTask,
    MayKeepRunning,
    TaskUpdate,
    WorkerStateChanged,
)
from manager_api.contract.workers import WorkerStateChange
from manager_api.web.auth import Worker, the_worker
from manager_api.web.dependencies import HttpPolling, HttpWorkers
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import TaskId
from manager_api.web.responses import ERROR, NOT_AUTHORIZED, OVERTAKEN, Responses, without_body

_NOTHING = without_body(204, "Nothing to do.")
_TO_BECOME: Responses = {423: {"model": WorkerStateChange}}

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/worker",
    tags=["worker"],
    dependencies=[Security(the_worker)],
    responses=ERROR | NOT_AUTHORIZED,
)


@router.get(
    "/state",
    operation_id="workerState",
    response_model=WorkerStateChange,
    responses=_NOTHING,
)
async def worker_state(worker: Worker, service: HttpWorkers) -> WorkerStateChange | Response:
    return await service.requested_status(worker.id) or Response(status_code=204)


@router.post("/state-changed", operation_id="workerStateChanged", status_code=204)
async def worker_state_changed(
    changed: WorkerStateChanged, worker: Worker, service: HttpWorkers
) -> None:
    await service.status_changed(worker.id, changed.status)


@router.post(
    "/task",
    operation_id="scheduleTask",
    response_model=AssignedTask,
    responses=_NOTHING | OVERTAKEN | _TO_BECOME,
)
async def schedule_task(
    request: Request, worker: Worker, polls: HttpPolling
) -> AssignedTask | Response:
    answer = await polls.next_task(worker.id, request.is_disconnected)
    if isinstance(answer, WorkerStateChange):
        return JSONResponse(answer.model_dump(mode="json"), 423)
    return answer or Response(status_code=204)


@router.post("/task/{task_id}", operation_id="taskUpdate", status_code=204, responses=OVERTAKEN)
async def task_update(
    task_id: TaskId, said: TaskUpdate, worker: Worker, service: HttpWorkers
) -> None:
    await service.update(worker.id, task_id, said)


@router.get("/task/{task_id}/may-i-run", operation_id="mayWorkerRun")
async def may_worker_run(task_id: TaskId, worker: Worker, service: HttpWorkers) -> MayKeepRunning:
    return await service.may_run(worker.id, task_id)
