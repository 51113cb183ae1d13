"""Checks whether the farm's settings for this host fit its machine.

The manager applies the settings to the commands that it hands out. Only the host can check whether
the programs in them exist.
"""

import logging
import os
from collections.abc import Collection, Mapping
from typing import Any

from worker_host.processes.environment import find_program

logger = logging.getLogger(__name__)


class ProvisionedPrograms:
    """The host's newest settings from the farm, and the programs in them that are missing."""

    def __init__(self) -> None:
        self._provision: Mapping[str, Any] = {}
        self._said: list[str] = []

    def told(self, provision: Mapping[str, Any]) -> None:
        if provision != self._provision:
            # Log only names, because an environment may hold secrets.
            names = ", ".join(sorted(provision)) or "none"
            logger.info("settings that the farm has for this worker: %s", names)
        self._provision = provision

    @property
    def settings(self) -> Mapping[str, Any]:
        return self._provision

    def missing(self) -> list[str]:
        """Return the missing programs; log them when they change.

        It reads the disk, which may be a slow network disk.
        """
        missing = [path for path in self._paths() if not _is_program(path)]
        if missing != self._said:
            for path in missing:
                logger.warning("the farm's settings name %s, which is no program here", path)
            self._said = missing
        return missing

    def _paths(self) -> list[str]:
        """Return the absolute paths; bare names and variables cannot be checked here."""
        blender = self._provision.get("blender")
        named = [*blender.values()] if isinstance(blender, Mapping) else []
        named.append(self._provision.get("ffmpeg"))
        return [path for path in named if isinstance(path, str) and os.path.isabs(path)]


def types_without_programs(
    programs: Mapping[str, Any], task_types: Collection[str], tools: Mapping[str, str]
) -> dict[str, list[str]]:
    """Return the task types of which this machine has no program, with the names it looked for.

    Args:
        programs: names or paths by task type; one of them is enough.
        task_types: the types that the host takes.
        tools: paths by name; another name is searched on PATH.
    """
    missing = {}
    for kind, named in programs.items():
        names = [name for name in named if isinstance(name, str)] if kind in task_types else []
        if names and not any(_is_there(name, tools) for name in names):
            missing[kind] = names
    return missing


def _is_there(name: str, tools: Mapping[str, str]) -> bool:
    return find_program(tools.get(name.removesuffix(".exe"), name), os.environ) is not None


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
