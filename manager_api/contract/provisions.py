"""Our interface: provisioned settings, and the settings in force for a worker."""

import json
import re
from datetime import datetime
from typing import Annotated, Any

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from manager_api.contract.base import Answer, Integer, Request, at_most
from manager_api.database.tables import ProvisionScope
from workflows.domain.provisioning import MOST_SLOTS

_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_.()-]{0,254}")
#: The environment variable by which a host finds processes that a run has left behind.
_OURS = "TABLAO_RUN"
_LONGEST = 32_000
_MOST = 1_000
#: Most characters of a target's settings. They are sent with each task, and the operating system
#: allows a program 2 MB of environment and arguments.
_MOST_CHARACTERS = 2**18


def _line(text: str) -> str:
    if not text.strip() or len(text.splitlines()) > 1:
        raise ValueError("one line of text is wanted here; leave the setting out to unset it")
    return text


def _version(version: str) -> str:
    if not _VERSION.fullmatch(version):
        raise ValueError(f'"{version[:70]}" is no version: letters, digits and . _ + - only')
    return version


Value = Annotated[str, Field(max_length=_LONGEST)]
Line = Annotated[str, Field(max_length=_LONGEST), AfterValidator(_line)]


class ProvisionSettings(Request):
    """The settings of one target. A missing setting comes from a weaker target, if one has it."""

    model_config = ConfigDict(extra="forbid")

    blender: Annotated[dict[str, Line | None], at_most(_MOST, "builds")] | None = None
    """Executables by version; null removes the one that a weaker target has."""
    blender_version: Annotated[str, AfterValidator(_version)] | None = None
    """The version that `{blender}` stands for; unset: the newest."""
    blender_args: Annotated[str, Field(max_length=_LONGEST)] | None = None
    """The value of `{blenderArgs}`."""
    ffmpeg: Line | None = None
    environment: Annotated[dict[str, Value | None], at_most(_MOST, "variables")] | None = None
    """Variables added to the environment of commands; null removes one of a weaker target."""
    task_types: Annotated[list[Line], Field(min_length=1), at_most(_MOST, "task types")] | None = (
        None
    )
    slots: Annotated[Integer, Field(ge=1, le=MOST_SLOTS)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _known(cls, body: Any) -> Any:
        for name in body if isinstance(body, dict) else ():
            if name not in cls.model_fields:
                raise ValueError(
                    f'there is no setting "{name[:70]}"; there are {", ".join(cls.model_fields)}'
                )
        return body

    @field_validator("blender")
    @classmethod
    def _versions(cls, blender: dict[str, Any] | None) -> dict[str, Any] | None:
        for version in blender or ():
            _version(version)
        return blender

    @field_validator("environment")
    @classmethod
    def _names(cls, environment: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in environment or ():
            if not _VARIABLE.fullmatch(name):
                raise ValueError(f'"{name[:70]}" cannot be the name of an environment variable')
            if name == _OURS:
                raise ValueError(f"{_OURS} is the farm's own and cannot be set")
        return environment

    @field_validator("task_types")
    @classmethod
    def _once_each(cls, task_types: list[str] | None) -> list[str] | None:
        return task_types and list(dict.fromkeys(each.strip().lower() for each in task_types))

    @model_validator(mode="after")
    def _fits_in(self) -> "ProvisionSettings":
        if len(json.dumps(self.as_stored(), ensure_ascii=False)) > _MOST_CHARACTERS:
            raise ValueError(f"these settings have more than {_MOST_CHARACTERS:,} characters")
        return self

    def as_stored(self) -> dict[str, Any]:
        """Return only the settings that are set."""
        return {name: value for name, value in self.model_dump().items() if value is not None}


class ProvisionAnswer(Answer):
    scope: ProvisionScope
    target: str
    """The platform, or the id of the tag or worker; `all` for the farm."""
    settings: dict[str, Any]
    updated: datetime


class ProvisionList(Answer):
    provisions: list[ProvisionAnswer]


class EffectiveProvision(Answer):
    """The settings in force for one worker."""

    worker_id: str
    worker_name: str
    settings: dict[str, Any]
    layers: list[ProvisionAnswer]
    """The settings of the targets that they come from, weakest first."""
    notes: list[str]
    """Sentences about settings that have no effect or do not work, with the reasons."""
