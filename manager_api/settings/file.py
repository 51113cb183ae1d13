"""Converts the settings file for Flamenco's settings page, and the page back. Secrets are masked.

The page knows only Flamenco's keys, shows defaults like other values, cannot show
`platforms: [...]`, and sends everything back. So a value that comes back unchanged stays in the
file as it was written there.
"""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import yaml

from manager_api.database.shown_address import MASK, shown_address
from manager_api.settings.about import Secret, settings_of
from manager_api.settings.model import FILE_VERSION, ManagerSettings
from workflows.domain.variables import ALL_PLATFORMS, DEFAULT_VARIABLES

_META = {"version": FILE_VERSION}

_SETTINGS = tuple(settings_of(ManagerSettings))
#: Settings and sections that Flamenco's file also has.
FLAMENCO_KEYS = tuple(
    dict.fromkeys(each.name.partition(".")[0] for each in _SETTINGS if each.about.is_flamencos)
)
#: Our settings in Flamenco's sections. Its settings page does not show them, so it must not remove
#: them.
_OURS = tuple(
    tuple(each.name.split("."))
    for each in _SETTINGS
    if not each.about.is_flamencos and each.name.partition(".")[0] in FLAMENCO_KEYS
)


def shown(content: Mapping[str, Any], settings: ManagerSettings) -> dict[str, Any]:
    """Return the file in Flamenco's shape, with all of Flamenco's keys and with masked secrets.

    Args:
        content: the file's content, which has been checked.
        settings: the data directory for paths that the file leaves out.
    """
    page: dict[str, Any] = {"_meta": _META}
    defaults = _defaults(settings)
    for key in FLAMENCO_KEYS:
        page[key] = _over(defaults[key], content.get(key))
    for *sections, key in _OURS:
        _section(page, sections).pop(key, None)
    variables = _default_variables() | (content.get("variables") or {})
    page["variables"] = {name: _variable_shown(given) for name, given in variables.items()}
    return masked(page)


def put_back(
    page: Mapping[str, Any], content: Mapping[str, Any], settings: ManagerSettings
) -> dict[str, Any]:
    """Return the new content of the file after the page was sent back.

    Raises:
        ValueError: a secret was changed, but still contains the mask.
    """
    ours = {
        key: value for key, value in content.items() if key not in FLAMENCO_KEYS and key != "_meta"
    }
    changed = _changed(page, shown(content, settings), content)
    _check_unmasked(changed, content)
    _keep_ours(content, changed)
    return {"_meta": _META} | ours | changed


def with_values(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the content with some settings changed.

    Args:
        values: by dotted names such as `shaman.enabled`; None removes a setting from the file.

    Raises:
        ValueError: a name leads into a setting that is no section, or a secret contains the mask.
    """
    result: dict[str, Any] = deepcopy({"_meta": _META} | dict(content))
    for name, value in values.items():
        *sections, key = name.split(".")
        section = result
        for part in sections:
            inner = section.setdefault(part, {})
            if not isinstance(inner, dict):
                raise ValueError(f"Setting {name}: {part} is no section.")
            section = inner
        if value is None:
            section.pop(key, None)
        else:
            section[key] = value
    _check_unmasked(result, content)
    return result


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings by their names in the file, with masked secrets."""
    result = deepcopy(dict(values))
    for setting in _SETTINGS:
        if setting.about.secret is not Secret.NOTHING:
            *sections, key = setting.name.split(".")
            section = _section(result, sections)
            if key in section:  # Flamenco's page lacks our own settings.
                section[key] = _HIDE[setting.about.secret](section[key])
    return result


def write_settings_file(path: Path, content: Mapping[str, Any]) -> None:
    """Replace the settings file as a whole; only the manager's user can read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f"{path.name}~", dir=path.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.safe_dump(dict(content), file, sort_keys=False, allow_unicode=True)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _defaults(settings: ManagerSettings) -> dict[str, Any]:
    fields = ManagerSettings.model_fields
    plain = ManagerSettings.model_construct(
        **{key: fields[key].get_default(call_default_factory=True) for key in FLAMENCO_KEYS}
    )
    values = plain.model_dump(mode="json", by_alias=True, include=set(FLAMENCO_KEYS))
    for key in FLAMENCO_KEYS:
        if fields[key].annotation is Path or key == "database":
            values[key] = str(settings.data_dir / values[key])
    return values


def _default_variables() -> dict[str, Any]:
    return {
        variable.name: {
            "is_twoway": variable.is_twoway,
            "values": [
                {"platform": platform, "audience": value.audience.value, "value": value.value}
                for value in variable.values
                for platform in value.platforms
            ],
        }
        for variable in DEFAULT_VARIABLES
    }


def _over(default: Any, value: Any) -> Any:
    """Return a value of the file, or the default if it is empty; merge sections key by key."""
    if value is None or value == "":
        return default
    if isinstance(default, dict) and isinstance(value, dict):
        return {key: _over(default.get(key), value.get(key)) for key in default | value}
    # In YAML a duration of 0 may be a number, but the page needs a text.
    return "0s" if value == 0 and isinstance(default, str) else value


def _variable_shown(variable: Mapping[str, Any]) -> dict[str, Any]:
    rows = [
        {
            "platform": platform,
            "audience": value.get("audience") or "all",
            "value": value["value"],
        }
        for value in variable.get("values", ())
        for platform in value.get("platforms") or (value.get("platform") or ALL_PLATFORMS,)
    ]
    return {"is_twoway": variable.get("is_twoway", False), "values": rows}


def _section(content: Mapping[str, Any], names: Sequence[str]) -> dict[str, Any]:
    """Return a nested section; if it is missing, an empty one that is not part of the content."""
    for name in names:
        inner = content.get(name)
        content = inner if isinstance(inner, dict) else {}
    return cast(dict[str, Any], content)


def _keep_ours(content: Mapping[str, Any], changed: dict[str, Any]) -> None:
    for *sections, key in _OURS:
        stored = _section(content, sections)
        section: Any = changed
        for name in sections if key in stored else ():
            # A page may hold any value in place of a section; it is refused later with a message.
            section = section.setdefault(name, {}) if isinstance(section, dict) else None
        if key in stored and isinstance(section, dict):
            section.setdefault(key, stored[key])


def _changed(
    page: Mapping[str, Any], before: Mapping[str, Any], stored: Mapping[str, Any]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in page.items():
        old = before.get(key)
        if value == old:
            if key in stored:
                result[key] = stored[key]
        elif isinstance(value, dict) and isinstance(old, dict):
            if inner := _changed(value, old, stored.get(key) or {}):
                result[key] = inner
        else:
            result[key] = value
    return result


def _check_unmasked(changed: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    for key, value in changed.items():
        before = content.get(key)
        if isinstance(value, dict):
            _check_unmasked(value, before if isinstance(before, dict) else {})
        elif isinstance(value, str) and MASK in value and value != before:
            raise ValueError(f"Setting {key}: give the password itself, not {MASK}.")


def _without_password(address: str) -> str:
    """Hide what follows the first colon of the user's part, up to the last `@`.

    Names of users and passwords may hold an `@` themselves.
    """
    scheme, has_scheme, rest = address.partition("://")
    user_and_password, _, host = rest.rpartition("@")
    user, has_password, _ = user_and_password.partition(":")
    return f"{scheme}://{user}:{MASK}@{host}" if has_scheme and has_password else address


#: How the secret part of a setting's value is replaced.
_HIDE: Mapping[Secret, Callable[[str], str]] = {
    Secret.EVERYTHING: lambda value: MASK if value else "",
    Secret.IN_ADDRESS: _without_password,
    Secret.IN_DATABASE: shown_address,
}
