"""Provisioned settings: the farm's settings for its workers, instead of files and variables.

Several layers may apply to one worker. From the weakest to the strongest these are the layers of
the farm, the worker's platform, its tags, and the worker itself. Of several tags, the one whose
name comes first in the alphabet is the strongest.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

FARM, PLATFORM, TAG, WORKER = "farm", "platform", "tag", "worker"
#: How many tasks a host can be given at a time.
MOST_SLOTS = 64
#: The key in a job's metadata that names the provisioned Blender build that renders it.
VERSION_METADATA = "blender_version"

#: Settings that hold values by name. Layers add to each other; null removes a value.
_BY_NAME = ("blender", "environment")
_SINGLE = ("blender_version", "blender_args", "ffmpeg", "task_types", "slots")
_NUMBERS = re.compile(r"\d+|\D+")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Layer:
    """The settings for the farm, or for one platform, tag or worker."""

    scope: str
    target: str
    """The platform's name, or the id of the tag or worker; empty for the farm."""
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Provision:
    """The settings in force for one worker. The worker itself decides about unset ones."""

    blender: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Paths of Blender's executables by version."""
    blender_version: str | None = None
    """The version that `{blender}` stands for; None means the newest."""
    blender_args: str | None = None
    """The value of `{blenderArgs}`."""
    ffmpeg: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Environment variables that are added to the environment of commands."""
    task_types: tuple[str, ...] | None = None
    slots: int | None = None

    def settings(self) -> dict[str, Any]:
        """Return the settings that are set, in the form that a layer has."""
        values: dict[str, Any] = {name: dict(getattr(self, name)) for name in _BY_NAME}
        values |= {name: getattr(self, name) for name in _SINGLE}
        if self.task_types is not None:
            values["task_types"] = list(self.task_types)
        return {name: value for name, value in values.items() if value not in (None, {})}

    def variables(self, asked_version: str = "") -> dict[str, str]:
        """Return one-way variables that override the farm's variables of the same names.

        Args:
            asked_version: the Blender build that a job asks for; empty means the default one.
        """
        values = {f"blender-{version}": path for version, path in self.blender.items()}
        version = asked_version or self.blender_version or newest(self.blender)
        if version:
            # A missing build stays a variable, and the task then fails with a clear sentence.
            values["blender"] = self.blender.get(version, f"{{blender-{version}}}")
        if self.blender_args is not None:
            values["blenderArgs"] = self.blender_args
        if self.ffmpeg is not None:
            values["ffmpeg"] = self.ffmpeg
        return values


def layers_for(
    layers: Iterable[Layer], worker_id: str, platform: str, tags: Sequence[str]
) -> list[Layer]:
    """Return the layers that apply to this worker, weakest first.

    Args:
        tags: ids of the worker's tags, in the order of the tags' names.
    """
    by_tag = [(TAG, tag) for tag in reversed(tags)]
    places = [(FARM, ""), (PLATFORM, platform), *by_tag, (WORKER, worker_id)]
    known = {(layer.scope, layer.target): layer for layer in layers}
    return [known[place] for place in places if place in known]


def merged(layers: Iterable[Layer]) -> Provision:
    """Return the settings that result from these layers.

    Args:
        layers: weakest first.
    """
    values: dict[str, Any] = {}
    for layer in layers:
        for name in _BY_NAME:
            values[name] = {**values.get(name, {}), **(layer.settings.get(name) or {})}
        values |= {
            name: value for name in _SINGLE if (value := layer.settings.get(name)) is not None
        }
    for name in _BY_NAME:
        values[name] = {key: v for key, v in values.get(name, {}).items() if v is not None}
    if "task_types" in values:
        values["task_types"] = tuple(values["task_types"])
    return Provision(**values)


def newest(versions: Collection[str]) -> str:
    """Return the newest version, by its numbers: 4.10 is newer than 4.9. Empty for no versions."""
    return max(versions, key=_by_number, default="")


def with_named_tools(parameters: Mapping[str, Any], provided: Collection[str]) -> Mapping[str, Any]:
    """Return a command's parameters with a bare `ffmpeg` or `blender` replaced by the variable.

    Job types write the bare name when each worker shall use its own program.

    Args:
        provided: names of the variables that have a provisioned value.
    """
    exe = parameters.get("exe")
    tool = exe.removesuffix(".exe") if isinstance(exe, str) else ""
    if tool in ("blender", "ffmpeg") and tool in provided:
        return {**parameters, "exe": f"{{{tool}}}"}
    return parameters


def _by_number(version: str) -> list[tuple[int, int, str]]:
    parts = _NUMBERS.findall(version)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
