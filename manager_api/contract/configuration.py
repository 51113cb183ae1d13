"""Flamenco's interface: the manager's configuration, its variables, and the setup assistant."""

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, RootModel, model_validator

from manager_api.contract.base import Answer, Path, Request, check_storable

Kind = Literal["text", "path", "boolean", "integer", "number", "duration", "choice"]


class ManagerConfiguration(Answer):
    storageLocation: str  # noqa: N815 -- the contract's name
    shamanEnabled: bool  # noqa: N815 -- the contract's name
    isFirstRun: bool  # noqa: N815 -- the contract's name


class ManagerVariableAudience(StrEnum):
    WORKERS = "workers"
    USERS = "users"


class ManagerVariable(Answer):
    value: str
    is_twoway: bool


class SharedStorageLocation(Answer):
    location: str
    audience: ManagerVariableAudience
    platform: str
    shamanEnabled: bool  # noqa: N815 -- the contract's name


class PathCheckInput(Request):
    path: Path


class PathCheckResult(Answer):
    path: str
    is_usable: bool
    cause: str


class BlenderPathSource(StrEnum):
    FILE_ASSOCIATION = "file_association"
    PATH_ENVVAR = "path_envvar"
    SYSTEM_LOCATION = "system_location"
    INPUT_PATH = "input_path"
    DEFAULT = "default"


class BlenderPathCheckResult(Answer):
    """The result of a check; the setup assistant also sends it back."""

    input: str
    path: str
    source: BlenderPathSource
    is_usable: bool
    cause: str


class SetupAssistantConfig(Request):
    storageLocation: Path  # noqa: N815 -- the contract's name
    blenderExecutable: BlenderPathCheckResult  # noqa: N815 -- the contract's name


class ConfigurationPage(RootModel[dict[str, Any]]):
    """The settings file as JSON. The settings themselves decide what it may contain."""

    @model_validator(mode="before")
    @classmethod
    def _can_be_stored(cls, body: Any) -> Any:
        check_storable(body)
        return body


class ConfigurationInForce(Answer):
    file: str
    """The path that changes are written to; the file may not exist yet."""
    values: dict[str, Any]
    """The values in force now, by their names in the file; secrets are masked."""
    overridden: dict[str, str]
    """By setting, what overrides the file: the command line or the environment."""
    pending_restart: list[str]
    """Settings that changed since the manager started, and are in force after its next start."""


class ConfigurationField(Answer):
    name: str
    """The dotted name, which changes use too."""
    kind: Kind
    choices: list[str] = Field(default=[])
    minimum: float | None = None
    """Inclusive; but where 0 itself makes no sense, the manager refuses it with a message."""
    maximum: float | None = None
    is_live: bool
    """Whether a change takes effect without a restart."""
    is_secret: bool
