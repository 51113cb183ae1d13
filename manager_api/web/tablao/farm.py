"""The farm: what it is, where its parts are, whether it is well."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel
from sqlalchemy import text

from manager_api.contract.meta import Error
from manager_api.version import VERSION
from manager_api.web.auth import Anybody
from manager_api.web.dependencies import Parts
from workflows.domain.statuses import FarmStatus

router = APIRouter(prefix="/api/tablao/v1", tags=["farm"], dependencies=[Anybody])


class Farm(BaseModel):
    name: str
    version: str
    flamenco_version: str
    status: FarmStatus
    started_at: datetime
    storage: str
    temporal_address: str
    temporal_namespace: str
    temporal_ui: str


class Health(BaseModel):
    database: bool


@router.get("/farm", operation_id="getFarm")
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


@router.get("/health", operation_id="getHealth", responses={503: {"model": Error}})
async def get_health(parts: Parts) -> Health:
    """For load balancers and supervisors: answers 503 while the database does not answer."""
    async with parts.database.reading() as session:
        await session.execute(text("SELECT 1"))
    return Health(database=True)
