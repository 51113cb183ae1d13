"""Which version each part of the farm has, and the manager's own package for its workers."""

import asyncio

from fastapi import APIRouter
from fastapi.responses import Response

from manager_api.contract.errors import NotFound
from manager_api.contract.versions import Versions, WorkerPackage
from manager_api.version import VERSION
from manager_api.web.auth import Anybody, Reading
from manager_api.web.dependencies import Parts, VersionsOfFarm
from manager_api.web.responses import refusal
from workflows.domain import control

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"])


@router.get("/versions", operation_id="getVersions", dependencies=[Reading])
async def get_versions(versions: VersionsOfFarm) -> Versions:
    """Return the versions of managers, Temporal, database and workers, and what to do.

    Versions are compared with that of the manager that answers.
    """
    return await versions.versions()


# Like the add-on and the dashboard's files, the package is for all: it is published code and holds
# nothing of the farm. A machine that is to join has no credentials yet.


@router.get(
    "/package", operation_id="getWorkerPackage", dependencies=[Anybody], responses=refusal(503)
)
async def get_worker_package(parts: Parts) -> WorkerPackage:
    """Return where the wheel of this manager's version is, and its digest."""
    wheel = await asyncio.to_thread(parts.package.wheel)
    return WorkerPackage(
        file=wheel.name,
        path=f"{control.WHEELS}{wheel.name}",
        version=VERSION,
        size=len(wheel.content),
        sha256=wheel.sha256,
    )


@router.get(
    "/package/{file}",
    operation_id="fetchWorkerPackage",
    dependencies=[Anybody],
    response_class=Response,
    responses={200: {"content": {"application/zip": {}}}, **refusal(404), **refusal(503)},
)
async def fetch_worker_package(file: str, parts: Parts) -> Response:
    """Return the wheel, by the name that `getWorkerPackage` says."""
    wheel = await asyncio.to_thread(parts.package.wheel)
    if file != wheel.name:
        raise NotFound(f"this manager has {wheel.name} only")
    return Response(wheel.content, media_type="application/zip")
