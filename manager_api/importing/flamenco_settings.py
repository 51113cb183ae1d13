"""Imports settings from a `flamenco-manager.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from manager_api.importing.flamenco_database import NotFlamenco
from manager_api.settings.file import FLAMENCO_KEYS

#: Settings that belong to the old manager: its places and its address.
_STAYS = {
    "listen": "who reaches this manager is decided here, with --host and --port",
    "database": "this farm has its own; the old one's content is what is carried over",
    "local_manager_storage_path": "this farm has its own; logs and images are copied",
}
_VERSION = 3


@dataclass(slots=True)
class TakenOver:
    content: dict[str, Any]
    """The content of this farm's settings file, with the imported settings."""
    new: list[str] = field(default_factory=list)
    """The imported settings; each variable by itself, `variables.NAME`."""
    there: list[str] = field(default_factory=list)
    """Settings that this farm's file had already."""
    left: list[str] = field(default_factory=list)
    """What is not imported, as sentences."""


def read_flamenco_settings(path: Path) -> dict[str, Any]:
    """
    Raises:
        NotFlamenco: the file cannot be read, or is not a settings file of Flamenco 3.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as problem:
        raise NotFlamenco(f"{path} cannot be read: {problem}") from problem
    if not isinstance(content, dict):
        raise NotFlamenco(f"{path} holds no settings of Flamenco")
    meta = content.get("_meta")
    version = meta.get("version") if isinstance(meta, dict) else None
    if version != _VERSION:
        raise NotFlamenco(f"{path} is of version {version}; this reads version {_VERSION}")
    if storage := content.get("shared_storage_path"):
        # Flamenco resolves a relative path from its folder, which holds this file.
        content["shared_storage_path"] = str(path.absolute().parent / str(storage))
    return content


def take_over(flamenco: Mapping[str, Any], ours: Mapping[str, Any]) -> TakenOver:
    """Merge Flamenco's settings into ours. Settings that ours has already stay."""
    taken = TakenOver(dict(ours))
    for key, value in flamenco.items():
        if key in _STAYS:
            taken.left.append(f"setting {key}: {_STAYS[key]}")
        elif key == "variables":
            _take_variables(taken, value if isinstance(value, dict) else {})
        elif key in FLAMENCO_KEYS:
            _take(taken, taken.content, key, key, value)
        elif key != "_meta":
            taken.left.append(f"setting {key}: unknown here")
    return taken


def _take_variables(taken: TakenOver, variables: Mapping[str, Any]) -> None:
    known = dict(taken.content.get("variables") or {})
    for name, variable in variables.items():
        _take(taken, known, name, f"variables.{name}", variable)
    if known:
        taken.content["variables"] = known


def _take(taken: TakenOver, into: dict[str, Any], key: str, label: str, value: Any) -> None:
    if key in into:
        taken.there.append(label)
    elif value not in (None, ""):
        into[key] = value
        taken.new.append(label)
