"""Which version each part of the farm has."""

from fastapi import APIRouter

from manager_api.contract.versions import Versions
from manager_api.web.auth import Reading
from manager_api.web.dependencies import VersionsOfFarm

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"])


@router.get("/versions", operation_id="getVersions", dependencies=[Reading])
async def get_versions(versions: VersionsOfFarm) -> Versions:
    """Return the versions of managers, Temporal, database and workers, and what to do.

    Versions are compared with that of the manager that answers.
    """
    return await versions.versions()
