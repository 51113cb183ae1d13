"""Whether what the farm has set for this host fits its machine.

The manager carries the settings out: commands come with them. Only here can be seen whether the
programs that they name are there.
"""

import logging
import os
from collections.abc import Mapping
from typing import Any

logger = logging.getLogger(__name__)


class ProvisionedPrograms:
    """What the host was last told, and what is missing of it."""

    def __init__(self) -> None:
        self._provision: Mapping[str, Any] = {}
        self._said: list[str] = []

    def told(self, provision: Mapping[str, Any]) -> None:
        if provision != self._provision:
            # Names only: an environment may hold secrets.
            names = ", ".join(sorted(provision)) or "none"
            logger.info("settings that the farm has for this worker: %s", names)
        self._provision = provision

    def missing(self) -> list[str]:
        """Programs that are not there; says so when it changes.

        Looks at the disk, which may be another machine's.
        """
        missing = [path for path in self._paths() if not _is_program(path)]
        if missing != self._said:
            for path in missing:
                logger.warning("the farm's settings name %s, which is no program here", path)
            self._said = missing
        return missing

    def _paths(self) -> list[str]:
        """Those that can be looked up: names and variables are the manager's and PATH's."""
        blender = self._provision.get("blender")
        named = [*blender.values()] if isinstance(blender, Mapping) else []
        named.append(self._provision.get("ffmpeg"))
        return [path for path in named if isinstance(path, str) and os.path.isabs(path)]


def _is_program(path: str) -> bool:
    return os.path.isfile(path) and os.access(path, os.X_OK)
