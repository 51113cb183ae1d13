"""What a form has to know of each setting; what it means to people is docs/settings.md."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le
from pydantic import BaseModel

from manager_api.settings.about import Secret, Setting, settings_of
from manager_api.settings.model import ManagerSettings

Kind = Literal["text", "path", "boolean", "integer", "number", "duration", "choice"]

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
    return [_field(each) for each in settings_of(ManagerSettings) if each.about.is_in_form]


def _field(setting: Setting) -> ConfigurationField:
    info = setting.info
    is_choice = get_origin(info.annotation) is Literal
    limits = {type(limit): limit for limit in info.metadata}
    at_least = limits.get(Ge, limits.get(Gt))
    return ConfigurationField(
        name=setting.name,
        kind="choice" if is_choice else _KINDS[info.annotation],
        choices=list(get_args(info.annotation)) if is_choice else [],
        minimum=getattr(at_least, "ge", getattr(at_least, "gt", None)),
        maximum=getattr(limits.get(Le), "le", None),
        is_live=setting.is_live,
        is_secret=setting.about.secret is Secret.EVERYTHING,
    )
