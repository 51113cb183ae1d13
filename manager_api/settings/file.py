"""The settings file as Flamenco's settings page sees it, and back. Secrets never leave.

The page knows Flamenco's keys only, shows defaults like all else, cannot show `platforms: [...]`,
and sends everything back. So what comes back as it was shown stays in the file as it was there.
"""

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import yaml
from sqlalchemy import make_url

from manager_api.settings.about import Secret, settings_of
from manager_api.settings.model import FILE_VERSION, ManagerSettings
from workflows.domain.variables import ALL_PLATFORMS, DEFAULT_VARIABLES

#: SQLAlchemy has the same for passwords in addresses of databases.
MASK = "***"
#: User and password, up to the last `@`: there may be others in the password.
_IN_ADDRESS = re.compile(r"(://[^:/@]*:).*@")
_META = {"version": FILE_VERSION}

_SETTINGS = tuple(settings_of(ManagerSettings))
#: Settings and sections that Flamenco's file has, too.
FLAMENCO_KEYS = tuple(
    dict.fromkeys(each.name.partition(".")[0] for each in _SETTINGS if each.about.is_flamencos)
)
#: Ours in sections of Flamenco's. Its settings page does not show them, so it cannot remove them.
_OURS = tuple(
    tuple(each.name.split("."))
    for each in _SETTINGS
    if not each.about.is_flamencos and each.name.partition(".")[0] in FLAMENCO_KEYS
)


def shown(content: Mapping[str, Any], settings: ManagerSettings) -> dict[str, Any]:
    """The file in Flamenco's shape, all of Flamenco's keys, secrets masked.

    Args:
        content: The file's, checked.
        settings: Says where the paths are that the file leaves out.
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
    """What the file is to hold when this page comes back.

    Raises:
        ValueError: a secret was changed, and yet is still hidden.
    """
    ours = {
        key: value for key, value in content.items() if key not in FLAMENCO_KEYS and key != "_meta"
    }
    changed = _changed(page, shown(content, settings), content)
    _check_unmasked(changed, content)
    _keep_ours(content, changed)
    return {"_meta": _META} | ours | changed


def with_values(content: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    """The content with single settings changed.

    Args:
        values: By dotted name, `shaman.enabled`; None takes a setting out of the file.
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
    return result


def masked(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by their names in the file, secrets hidden."""
    result = deepcopy(dict(values))
    for setting in _SETTINGS:
        if setting.about.secret is not Secret.NOTHING:
            *sections, key = setting.name.split(".")
            section = _section(result, sections)
            section[key] = _HIDE[setting.about.secret](section[key])
    return result


def write_settings_file(path: Path, content: Mapping[str, Any]) -> None:
    """All of it or nothing, and for nobody else's eyes."""
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
    """A value of the file over the default; sections part by part."""
    if value is None or value == "":
        return default
    if isinstance(default, dict) and isinstance(value, dict):
        return {key: _over(default.get(key), value.get(key)) for key in default | value}
    # A duration of 0 needs no quotes in YAML; the page wants a text.
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
    """A section of a section; empty, and apart from the content, if there is none."""
    for name in names:
        inner = content.get(name)
        content = inner if isinstance(inner, dict) else {}
    return cast(dict[str, Any], content)


def _keep_ours(content: Mapping[str, Any], changed: dict[str, Any]) -> None:
    for *sections, key in _OURS:
        stored = _section(content, sections)
        section: Any = changed
        for name in sections if key in stored else ():
            # A page may hold anything where a section is due; it is refused later, with a sentence.
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


def _without_password(database: str) -> str:
    if "://" not in database:
        return database
    url = make_url(database)
    hidden = {name: MASK for name in url.query if "password" in name.lower()}
    if not (hidden or url.password):
        return database
    shown = url.update_query_dict(hidden).render_as_string(hide_password=True)
    return shown.replace(quote(MASK, safe=""), MASK)


#: How the secret part of a setting's value is replaced.
_HIDE: Mapping[Secret, Callable[[str], str]] = {
    Secret.EVERYTHING: lambda value: MASK if value else "",
    Secret.IN_ADDRESS: lambda value: _IN_ADDRESS.sub(rf"\1{MASK}@", value),
    Secret.IN_DATABASE: _without_password,
}
