"""What a form has to know of each setting; what it means to people is docs/settings.md."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from manager_api.settings.in_force import LIVE
from manager_api.settings.model import ManagerSettings

Kind = Literal["text", "path", "boolean", "integer", "number", "duration", "choice"]

#: A form of their own shows these, or none: our directory is ours for as long as we run, and
#: who may reach the manager is decided on its machine.
_ELSEWHERE = frozenset({"variables", "data_dir", "insecure"})
_SECRETS = frozenset({"mqtt.client.password"})
_KINDS: dict[Any, Kind] = {
    str: "text",
    Path: "path",
    bool: "boolean",
    int: "integer",
    float: "number",
    timedelta: "duration",
}


class ConfigurationField(BaseModel):
    name: str
    """Dotted, as changes are made by."""
    kind: Kind
    choices: list[str] = []
    minimum: float | None = None
    """Inclusive, unless 0 itself makes no sense; the manager says so then."""
    maximum: float | None = None
    is_live: bool
    """Whether a change takes effect without a restart."""
    is_secret: bool


def configuration_fields() -> list[ConfigurationField]:
    """In the order of the settings."""
    return [*_fields_of(ManagerSettings, "")]


def _fields_of(model: type[BaseModel], prefix: str) -> Iterator[ConfigurationField]:
    for own_name, info in model.model_fields.items():
        name = f"{prefix}{info.alias or own_name}"
        annotation = info.annotation
        if name in _ELSEWHERE:
            continue
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _fields_of(annotation, f"{name}.")
        else:
            yield _field(name, info)


def _field(name: str, info: FieldInfo) -> ConfigurationField:
    is_choice = get_origin(info.annotation) is Literal
    limits = {type(limit): limit for limit in info.metadata}
    at_least = limits.get(Ge, limits.get(Gt))
    return ConfigurationField(
        name=name,
        kind="choice" if is_choice else _KINDS[info.annotation],
        choices=list(get_args(info.annotation)) if is_choice else [],
        minimum=getattr(at_least, "ge", getattr(at_least, "gt", None)),
        maximum=getattr(limits.get(Le), "le", None),
        is_live=name.partition(".")[0] in LIVE,
        is_secret=name in _SECRETS,
    )
