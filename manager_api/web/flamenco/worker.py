"""Flamenco's operations of workers."""

from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request, Response, Security

from manager_api.contract.errors import NotValid
from manager_api.contract.workers import (
    RegisteredWorker,
    WorkerRegistration,
    WorkerSignOn,
    WorkerStateChange,
)
from manager_api.images.scaling import FORMATS
from manager_api.web.auth import Joining, Worker, joining, the_worker
from manager_api.web.callers import calls_from_this_machine
from manager_api.web.dependencies import LastRenderedImages, Parts, Workers
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import Address, TaskId
from manager_api.web.responses import ERROR, NOT_AUTHORIZED, OVERTAKEN, refusal

_IMAGE = {
    "requestBody": {
        "required": True,
        "content": {each: {"schema": {"type": "string", "format": "binary"}} for each in FORMATS},
    }
}

registration = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/worker",
    tags=["worker"],
    dependencies=[Depends(joining)],
    responses=ERROR,
)
router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/worker",
    tags=["worker"],
    dependencies=[Security(the_worker)],
    responses=ERROR | NOT_AUTHORIZED,
)


@registration.post("/register-worker", operation_id="registerWorker", responses=refusal(429))
async def register_worker(
    asked: WorkerRegistration,
    request: Request,
    how: Joining,
    workers: Workers,
    address: Address,
    parts: Parts,
) -> RegisteredWorker:
    if not calls_from_this_machine(request):
        parts.registrations.count(address)
    return await workers.register(asked, address, how)


@router.post("/sign-on", operation_id="signOn")
async def sign_on(
    asked: WorkerSignOn, worker: Worker, workers: Workers, address: Address
) -> WorkerStateChange:
    return await workers.sign_on(worker.id, asked, address)


@router.post("/sign-off", operation_id="signOff", status_code=204)
async def sign_off(worker: Worker, workers: Workers) -> None:
    await workers.sign_off(worker.id)


@router.post(
    "/task/{task_id}/output-produced",
    operation_id="taskOutputProduced",
    status_code=202,
    response_class=Response,
    responses=OVERTAKEN | refusal(413) | refusal(429),
    openapi_extra=_IMAGE,
)
async def task_output_produced(
    task_id: TaskId,
    request: Request,
    worker: Worker,
    images: LastRenderedImages,
    content_type: Annotated[str, Header(include_in_schema=False)] = "",
) -> None:
    if content_type not in FORMATS:
        raise NotValid(f"the content type must be image/jpeg or image/png, not {content_type}")
    image = await request.body()
    if not image:
        raise NotValid("the request has no body")
    await images.take(worker.id, task_id, content_type, image)
