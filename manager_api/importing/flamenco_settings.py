"""Which of a `flamenco-manager.yaml`'s settings this farm takes over."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from manager_api.importing.flamenco_database import NotFlamenco
from manager_api.settings.file import FLAMENCO_KEYS

#: They say where the old manager keeps its things, and who reaches it.
_STAYS = {
    "listen": "who reaches this manager is decided here, with --host and --port",
    "database": "this farm has its own; the old one's content is what is carried over",
    "local_manager_storage_path": "this farm has its own; logs and images are copied",
}
_VERSION = 3


@dataclass(slots=True)
class TakenOver:
    content: dict[str, Any]
    """This farm's settings file, with what is new in it."""
    new: list[str] = field(default_factory=list)
    """Settings that came over; of variables each by itself, `variables.NAME`."""
    there: list[str] = field(default_factory=list)
    """Settings that this farm's file has already."""
    left: list[str] = field(default_factory=list)
    """What stays behind, as sentences."""


def read_flamenco_settings(path: Path) -> dict[str, Any]:
    """
    Raises:
        NotFlamenco: the file cannot be read, or is none of Flamenco 3.
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
        # A relative one was meant from the folder that Flamenco was started in, which holds this.
        content["shared_storage_path"] = str(path.absolute().parent / str(storage))
    return content


def take_over(flamenco: Mapping[str, Any], ours: Mapping[str, Any]) -> TakenOver:
    """What our file says already stays."""
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
