"""The manager's configuration: values in force, their sources, changes that wait for a restart."""

from fastapi import APIRouter

from manager_api.contract.configuration import (
    ConfigurationField,
    ConfigurationInForce,
    ConfigurationPage,
)
from manager_api.settings.fields import configuration_fields
from manager_api.settings.file import masked, with_values
from manager_api.settings.in_force import Configuration
from manager_api.settings.secrets import secrets_in
from manager_api.web.auth import Administering, ChangingWorkers
from manager_api.web.dependencies import Parts
from manager_api.web.json_bodies import JsonRoute
from manager_api.web.responses import ERROR

router = APIRouter(
    route_class=JsonRoute,
    prefix="/api/tablao/v1/configuration",
    tags=["configuration"],
    responses=ERROR,
)


@router.get("", operation_id="getConfigurationInForce", dependencies=[ChangingWorkers])
async def get_configuration_in_force(parts: Parts) -> ConfigurationInForce:
    return _in_force(parts.configuration)


@router.get("/fields", operation_id="getConfigurationFields", dependencies=[ChangingWorkers])
async def get_configuration_fields() -> list[ConfigurationField]:
    """Return the facts that a form for the settings needs."""
    return configuration_fields()


@router.patch("", operation_id="changeConfiguration", dependencies=[Administering])
async def change_configuration(changes: ConfigurationPage, parts: Parts) -> ConfigurationInForce:
    """Change settings by dotted names such as `shaman.enabled`; null removes one from the file."""
    configuration = parts.configuration
    await configuration.change(
        lambda content: with_values(content, changes.root),
        secrets=secrets_in(changes.root),
    )
    return _in_force(configuration)


def _in_force(configuration: Configuration) -> ConfigurationInForce:
    return ConfigurationInForce(
        file=str(configuration.file),
        values=masked(configuration.settings.model_dump(mode="json", by_alias=True)),
        overridden=configuration.overridden,
        pending_restart=configuration.pending_restart,
    )
