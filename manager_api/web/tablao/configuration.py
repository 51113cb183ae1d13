"""The manager's configuration: what is in force, where it comes from, what waits for a restart."""

from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from manager_api.contract.configuration import ConfigurationPage
from manager_api.contract.meta import Error
from manager_api.settings.fields import ConfigurationField, configuration_fields
from manager_api.settings.file import masked, with_values
from manager_api.settings.in_force import Configuration
from manager_api.web.auth import Anybody, NoForeignPage, acts_as_this_machine
from manager_api.web.dependencies import Parts

router = APIRouter(
    prefix="/api/tablao/v1/configuration",
    tags=["configuration"],
    dependencies=[Anybody, NoForeignPage],
    responses={"default": {"model": Error}},
)


class ConfigurationInForce(BaseModel):
    file: str
    """Where changes are written; it need not exist yet."""
    values: dict[str, Any]
    """In force now, by their names in the file; secrets are masked."""
    overridden: dict[str, str]
    """What the file does not decide, and what does: the command line or the environment."""
    pending_restart: list[str]
    """Changed since the start of the manager, but not in force before the next."""


@router.get("", operation_id="getConfigurationInForce")
async def get_configuration_in_force(parts: Parts) -> ConfigurationInForce:
    return _in_force(parts.configuration)


@router.get("/fields", operation_id="getConfigurationFields")
async def get_configuration_fields() -> list[ConfigurationField]:
    """What a form for the settings needs to know of them."""
    return configuration_fields()


@router.patch("", operation_id="changeConfiguration")
async def change_configuration(
    changes: ConfigurationPage, request: Request, parts: Parts
) -> ConfigurationInForce:
    """By dotted name, `shaman.enabled`; null takes a setting out of the file."""
    configuration = parts.configuration
    await configuration.change(
        lambda content: with_values(content, changes.root), is_here=acts_as_this_machine(request)
    )
    return _in_force(configuration)


def _in_force(configuration: Configuration) -> ConfigurationInForce:
    return ConfigurationInForce(
        file=str(configuration.file),
        values=masked(configuration.settings.model_dump(mode="json", by_alias=True)),
        overridden=configuration.overridden,
        pending_restart=configuration.pending_restart,
    )
