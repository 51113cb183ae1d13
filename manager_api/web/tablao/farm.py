"""The farm: its name and version, the addresses of its parts, its health."""

from fastapi import APIRouter

from manager_api.contract.farm import Farm, Health
from manager_api.version import VERSION
from manager_api.web.auth import Anybody, Reading
from manager_api.web.dependencies import Parts
from manager_api.web.responses import refusal

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"])


@router.get("/farm", operation_id="getFarm", dependencies=[Reading])
async def get_farm(parts: Parts) -> Farm:
    return Farm(
        name=parts.settings.manager_name,
        version=VERSION,
        flamenco_version=parts.settings.flamenco_version,
        status=parts.farm.status,
        started_at=parts.started_at,
        storage=str(parts.settings.jobs_path),
        temporal_address=parts.temporal_address,
        temporal_namespace=parts.settings.temporal_namespace,
        temporal_ui=parts.temporal_ui,
    )


@router.get("/health", operation_id="getHealth", dependencies=[Anybody], responses=refusal(503))
async def get_health(parts: Parts) -> Health:
    """Answer 503 while the database does not answer; for load balancers and supervisors."""
    await parts.database.answers()
    return Health(database=True)
