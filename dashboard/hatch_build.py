"""Hatchling's hook: a package that is built here brings the dashboard's files along."""

import runpy
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_FILES = "manager_api/dashboard_files"


class DashboardHook(BuildHookInterface):  # type: ignore[type-arg] # its parameter is internal
    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        # An editable install is the checkout; `make dashboard` builds it there.
        if version == "editable":
            return
        root = Path(self.root)
        if not (root / _FILES / "index.html").is_file():
            runpy.run_path(str(root / "dashboard" / "build.py"))["build"]()
        build_data["artifacts"].append(f"/{_FILES}/**")
