"""Flamenco's operations on the manager's configuration."""

import asyncio
from typing import Any

from fastapi import APIRouter

from manager_api.contract.configuration import (
    BlenderPathCheckResult,
    ConfigurationPage,
    ManagerConfiguration,
    ManagerVariable,
    ManagerVariableAudience,
    PathCheckInput,
    PathCheckResult,
    SetupAssistantConfig,
    SharedStorageLocation,
)
from manager_api.settings.blender_check import BlenderCheck
from manager_api.settings.file import put_back, shown, with_values
from manager_api.settings.in_force import Configuration
from manager_api.settings.platforms import managers_platform
from manager_api.settings.secrets import secrets_in
from manager_api.settings.setup_assistant import assistants_settings
from manager_api.settings.storage_check import why_no_storage
from manager_api.web.auth import (
    Administering,
    ChangingWorkers,
    ForSubmission,
    NoForeignPage,
)
from manager_api.web.dependencies import Parts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.responses import ERROR
from workflows.domain.variables import Audience

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/v3/configuration",
    tags=["configuration"],
    responses=ERROR,
)


@router.get("", operation_id="getConfiguration", dependencies=[ForSubmission])
async def get_configuration(parts: Parts) -> ManagerConfiguration:
    configuration: Configuration = parts.configuration
    # As in Flamenco, an edited file is read without a restart of the manager.
    await configuration.reload()
    return ManagerConfiguration(
        storageLocation=str(configuration.settings.jobs_path),
        shamanEnabled=configuration.settings.shaman.enabled,
        # If true, Flamenco's web app opens its setup assistant. A farm in use must not show that.
        isFirstRun=configuration.is_storage_unset and not await parts.farm.is_in_use(),
    )


@router.get("/file", operation_id="getConfigurationFile", dependencies=[ChangingWorkers])
async def get_configuration_file(parts: Parts) -> dict[str, Any]:
    configuration = parts.configuration
    return shown(configuration.content, configuration.settings)


@router.put(
    "/file", operation_id="updateConfigurationFile", dependencies=[Administering], status_code=204
)
async def update_configuration_file(page: ConfigurationPage, parts: Parts) -> None:
    configuration = parts.configuration
    await configuration.change(
        lambda content: put_back(page.root, content, configuration.settings),
        secrets=secrets_in(page.root),
    )


@router.get(
    "/variables/{audience}/{platform}", operation_id="getVariables", dependencies=[ForSubmission]
)
async def get_variables(
    audience: ManagerVariableAudience, platform: str, parts: Parts
) -> dict[str, ManagerVariable]:
    return {
        variable.name: ManagerVariable(value=value, is_twoway=variable.is_twoway)
        for variable in parts.configuration.variables.definitions
        if (value := variable.value_for(platform, Audience(audience))) is not None
    }


@router.get(
    "/shared-storage/{audience}/{platform}",
    operation_id="getSharedStorage",
    dependencies=[ForSubmission],
)
async def get_shared_storage(
    audience: ManagerVariableAudience, platform: str, parts: Parts
) -> SharedStorageLocation:
    configuration = parts.configuration
    expansion = configuration.variables.expansion(platform, managers_platform(), Audience(audience))
    return SharedStorageLocation(
        location=expansion.text(str(configuration.settings.jobs_path)),
        audience=audience,
        platform=platform,
        shamanEnabled=configuration.settings.shaman.enabled,
    )


@router.post(
    "/check/shared-storage", operation_id="checkSharedStoragePath", dependencies=[Administering]
)
async def check_shared_storage_path(body: PathCheckInput, parts: Parts) -> PathCheckResult:
    cause = await asyncio.to_thread(why_no_storage, body.path, parts.settings)
    return PathCheckResult(
        path=body.path,
        is_usable=not cause,
        cause=cause or "Directory checked successfully.",
    )


# It runs programs, although it is a GET.
@router.get(
    "/check/blender", operation_id="findBlenderExePath", dependencies=[NoForeignPage, Administering]
)
async def find_blender_exe_path() -> list[BlenderPathCheckResult]:
    return await BlenderCheck.here().find()


@router.post("/check/blender", operation_id="checkBlenderExePath", dependencies=[Administering])
async def check_blender_exe_path(body: PathCheckInput) -> BlenderPathCheckResult:
    return await BlenderCheck.here().check(body.path)


@router.post(
    "/setup-assistant",
    operation_id="saveSetupAssistantConfig",
    dependencies=[Administering],
    status_code=204,
)
async def save_setup_assistant_config(body: SetupAssistantConfig, parts: Parts) -> None:
    configuration = parts.configuration
    values = assistants_settings(body.storageLocation, body.blenderExecutable)
    await configuration.change(lambda content: with_values(content, values))
