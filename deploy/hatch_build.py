"""Hatchling's hook: adds the files that the manager serves to a package."""

import runpy
from pathlib import Path
from typing import Any, NamedTuple

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class _Served(NamedTuple):
    built: str
    """A pattern of files that exist if it was built."""
    builder: str
    files: str


_SERVED = (
    _Served("dashboard_files/index.html", "dashboard/build.py", "dashboard_files/**"),
    _Served("addon_files/*.zip", "addon/build.py", "addon_files/*.zip"),
)


class ServedFilesHook(BuildHookInterface):  # type: ignore[type-arg] # its parameter is internal
    """Adds the dashboard's files and the add-on's zip, and builds them if they are missing."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install uses the checkout, in which `make dashboard addon` builds the files.
        if version == "editable":
            return
        root = Path(self.root)
        for each in _SERVED:
            if not any((root / "manager_api").glob(each.built)):
                runpy.run_path(str(root / each.builder))["build"]()
            build_data["artifacts"].append(f"/manager_api/{each.files}")
        # Only a checkout needs the stamp (see step.py).
        build_data["artifacts"].append("!/manager_api/*_files/.built")
