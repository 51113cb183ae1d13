"""Checks whether the farm's settings for this host fit its machine.

The manager applies the settings to the commands that it hands out. Only the host can check whether
the programs in them exist.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

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


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
