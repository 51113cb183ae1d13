"""Provisioned settings of workers: read and changed."""

from typing import Annotated

from fastapi import APIRouter, Path

from manager_api.contract.provisions import (
    EffectiveProvision,
    ProvisionAnswer,
    ProvisionList,
    ProvisionSettings,
)
from manager_api.database.tables import ProvisionScope
from manager_api.web.auth import Administering, Reading
from manager_api.web.dependencies import Provisions
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.parameters import WorkerId
from manager_api.web.responses import ERROR, NOT_VALID

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/provisions",
    tags=["provisions"],
    responses=ERROR | NOT_VALID,
)

Target = Annotated[str, Path(pattern=r"^[A-Za-z0-9_-]{1,255}$")]


@router.get("", operation_id="getProvisions", dependencies=[Reading])
async def get_provisions(provisions: Provisions) -> ProvisionList:
    return await provisions.all()


@router.get("/effective/{worker_id}", operation_id="getEffectiveProvision", dependencies=[Reading])
async def get_effective(worker_id: WorkerId, provisions: Provisions) -> EffectiveProvision:
    """Return the settings in force for one worker, and where each comes from."""
    return await provisions.effective(worker_id)


@router.get("/{scope}/{target}", operation_id="getProvision", dependencies=[Reading])
async def get_provision(
    scope: ProvisionScope, target: Target, provisions: Provisions
) -> ProvisionAnswer:
    return await provisions.get(scope, target)


@router.put("/{scope}/{target}", operation_id="setProvision", dependencies=[Administering])
async def set_provision(
    scope: ProvisionScope, target: Target, settings: ProvisionSettings, provisions: Provisions
) -> ProvisionAnswer:
    """Replace a target's settings. They count from each worker's next task on."""
    return await provisions.put(scope, target, settings)


@router.delete(
    "/{scope}/{target}",
    operation_id="removeProvision",
    dependencies=[Administering],
    status_code=204,
)
async def remove_provision(scope: ProvisionScope, target: Target, provisions: Provisions) -> None:
    await provisions.remove(scope, target)
