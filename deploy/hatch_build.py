"""Hatchling's hook: a package that is built here brings along what the manager serves."""

import runpy
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class _Served(NamedTuple):
    built: str
    """What says that it was built."""
    builder: str
    files: str


_SERVED = (
    _Served("dashboard_files/index.html", "dashboard/build.py", "dashboard_files/**"),
    _Served("addon_files/*.zip", "addon/build.py", "addon_files/*.zip"),
)


class ServedFilesHook(BuildHookInterface):  # type: ignore[type-arg] # its parameter is internal
    """The dashboard's files, and the zip of the Blender add-on."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install is the checkout; `make dashboard addon` builds them there.
        if version == "editable":
            return
        root = Path(self.root)
        for each in _SERVED:
            if not any((root / "manager_api").glob(each.built)):
                runpy.run_path(str(root / each.builder))["build"]()
            build_data["artifacts"].append(f"/manager_api/{each.files}")
        # Only a checkout asks when they were built (see step.py).
        build_data["artifacts"].append("!/manager_api/*_files/.built")
