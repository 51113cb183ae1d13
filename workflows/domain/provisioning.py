"""Provisioned settings: what the farm says of a worker, instead of files and one-way variables.

Several layers may speak of one worker. The farm's is the weakest, then its platform's, its tags'
and its own; of several tags the one whose name comes first in the alphabet is the strongest.
"""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

FARM, PLATFORM, TAG, WORKER = "farm", "platform", "tag", "worker"
#: What a host can be given to do at a time.
MOST_SLOTS = 64
#: In a job's metadata: which of the provisioned Blender builds renders it.
VERSION_METADATA = "blender_version"

#: Settings that hold several things by name; layers add to each other, null takes one away.
_BY_NAME = ("blender", "environment")
_SINGLE = ("blender_version", "blender_args", "ffmpeg", "task_types", "slots")
_NUMBERS = re.compile(r"\d+|\D+")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Layer:
    """What is set for one farm, platform, tag or worker."""

    scope: str
    target: str
    """Platform, or id of the tag or worker; empty for the farm."""
    settings: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Provision:
    """The settings in force for one worker; what is None or empty is left to the worker."""

    blender: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Executables by version."""
    blender_version: str | None = None
    """Which of them `{blender}` is; None: the newest."""
    blender_args: str | None = None
    """The value of `{blenderArgs}`."""
    ffmpeg: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    """Added to that of commands."""
    task_types: tuple[str, ...] | None = None
    slots: int | None = None

    def settings(self) -> dict[str, Any]:
        """As a layer has them; only what is set."""
        values: dict[str, Any] = {name: dict(getattr(self, name)) for name in _BY_NAME}
        values |= {name: getattr(self, name) for name in _SINGLE}
        if self.task_types is not None:
            values["task_types"] = list(self.task_types)
        return {name: value for name, value in values.items() if value not in (None, {})}

    def variables(self, asked_version: str = "") -> dict[str, str]:
        """One-way variables, stronger than the farm's own of the same names.

        Args:
            asked_version: the Blender build that a job asks for; empty: whichever is usual here.
        """
        values = {f"blender-{version}": path for version, path in self.blender.items()}
        version = asked_version or self.blender_version or newest(self.blender)
        if version:
            # A build that is not there stays a name, and fails the task with a sentence.
            values["blender"] = self.blender.get(version, f"{{blender-{version}}}")
        if self.blender_args is not None:
            values["blenderArgs"] = self.blender_args
        if self.ffmpeg is not None:
            values["ffmpeg"] = self.ffmpeg
        return values


def layers_for(
    layers: Iterable[Layer], worker_id: str, platform: str, tags: Sequence[str]
) -> list[Layer]:
    """Those that speak of this worker, weakest first.

    Args:
        tags: ids of its tags, in the order of their names.
    """
    by_tag = [(TAG, tag) for tag in reversed(tags)]
    places = [(FARM, ""), (PLATFORM, platform), *by_tag, (WORKER, worker_id)]
    known = {(layer.scope, layer.target): layer for layer in layers}
    return [known[place] for place in places if place in known]


def merged(layers: Iterable[Layer]) -> Provision:
    """
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
    """By its numbers, so 4.10 is newer than 4.9; empty if there is none."""
    return max(versions, key=_by_number, default="")


def with_named_tools(parameters: Mapping[str, Any], provided: Collection[str]) -> Mapping[str, Any]:
    """A command's parameters, a bare `ffmpeg` or `blender` written as the variable.

    Job types name them so when each worker shall take its own.

    Args:
        provided: the variables that there is a provisioned value for.
    """
    exe = parameters.get("exe")
    tool = exe.removesuffix(".exe") if isinstance(exe, str) else ""
    if tool in ("blender", "ffmpeg") and tool in provided:
        return {**parameters, "exe": f"{{{tool}}}"}
    return parameters


def _by_number(version: str) -> list[tuple[int, int, str]]:
    parts = _NUMBERS.findall(version)
    return [(1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts]
