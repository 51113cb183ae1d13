"""Flamenco's operations of workers that speak HTTP: their state and their tasks."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response, Security
from fastapi.responses import JSONResponse

from manager_api.contract.meta import Error, SecurityError
from manager_api.contract.worker_tasks import (
    AssignedTask,
    MayKeepRunning,
    TaskUpdate,
    WorkerStateChanged,
)
from manager_api.contract.workers import WorkerStateChange
from manager_api.http_workers.polls import HttpPolls
from manager_api.http_workers.service import HttpWorkerService
from manager_api.web.auth import Worker, the_worker
from manager_api.web.dependencies import Parts
from manager_api.web.parameters import TaskId

_ERROR: dict[int | str, dict[str, Any]] = {"default": {"model": Error}}
_FORBIDDEN: dict[int | str, dict[str, Any]] = {403: {"model": SecurityError}}
_NOTHING: dict[int | str, dict[str, Any]] = {204: {"description": "Nothing to do."}}
_OVERTAKEN: dict[int | str, dict[str, Any]] = {409: {"model": Error}}
_TO_BECOME: dict[int | str, dict[str, Any]] = {423: {"model": WorkerStateChange}}

router = APIRouter(
    prefix="/api/v3/worker",
    tags=["worker"],
    dependencies=[Security(the_worker)],
    responses={**_ERROR, **_FORBIDDEN},
)


async def _service(parts: Parts) -> HttpWorkerService:
    wait_s = parts.settings.sign_on_wait_s
    return HttpWorkerService(parts.http_runs, parts.logs, parts.control, wait_s)


async def _polls(parts: Parts) -> HttpPolls:
    settings = parts.configuration.settings
    return HttpPolls(
        parts.http_runs,
        parts.logs,
        parts.configuration.variables,
        settings.http_poll_s,
        settings.sign_on_wait_s,
    )


HttpWorkers = Annotated[HttpWorkerService, Depends(_service)]
Polls = Annotated[HttpPolls, Depends(_polls)]


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
    responses={**_NOTHING, **_OVERTAKEN, **_TO_BECOME},
)
async def schedule_task(request: Request, worker: Worker, polls: Polls) -> AssignedTask | Response:
    answer = await polls.next_task(worker.id, request.is_disconnected)
    if isinstance(answer, WorkerStateChange):
        return JSONResponse(answer.model_dump(mode="json"), 423)
    return answer or Response(status_code=204)


@router.post("/task/{task_id}", operation_id="taskUpdate", status_code=204, responses=_OVERTAKEN)
async def task_update(
    task_id: TaskId, said: TaskUpdate, worker: Worker, service: HttpWorkers
) -> None:
    await service.update(worker.id, task_id, said)


@router.get("/task/{task_id}/may-i-run", operation_id="mayWorkerRun")
async def may_worker_run(task_id: TaskId, worker: Worker, service: HttpWorkers) -> MayKeepRunning:
    return await service.may_run(worker.id, task_id)
