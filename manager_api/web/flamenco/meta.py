"""Flamenco's operations about the manager itself."""

from fastapi import APIRouter

from manager_api.contract.meta import FarmStatusReport, FlamencoVersion
from manager_api.version import NAME, VERSION
from manager_api.web.auth import Anybody, Reading
from manager_api.web.dependencies import Parts

router = APIRouter(prefix="/api/v3", tags=["meta"])


@router.get("/version", operation_id="getVersion", dependencies=[Anybody])
async def get_version(parts: Parts) -> FlamencoVersion:
    # Clients compare the short version with their own. The other two fields tell the real ones.
    settings = parts.settings
    spoken = settings.flamenco_version
    ours = f"{NAME} {VERSION}"
    return FlamencoVersion(
        version=spoken, shortversion=spoken, name=settings.manager_name, git=ours
    )


@router.get("/status", operation_id="getFarmStatus", dependencies=[Reading])
async def get_farm_status(parts: Parts) -> FarmStatusReport:
    return FarmStatusReport(status=parts.farm.status)
