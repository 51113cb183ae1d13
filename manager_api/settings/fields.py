"""The facts that a form needs about each setting. docs/settings.md explains them to users."""

from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le

from manager_api.contract.configuration import ConfigurationField, Kind
from manager_api.settings.about import Secret, Setting, settings_of
from manager_api.settings.model import ManagerSettings

_KINDS: dict[Any, Kind] = {
    str: "text",
    Path: "path",
    bool: "boolean",
    int: "integer",
    float: "number",
    timedelta: "duration",
}


def configuration_fields() -> list[ConfigurationField]:
    """Return the fields of the form, in the order of the settings."""
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
