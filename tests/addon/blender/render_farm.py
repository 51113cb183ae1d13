"""A real manager and a real host, whose worker renders each file with the Blender that made it."""

import shlex
from pathlib import Path
from typing import Any, Self

from tests.addon.blender.blenders import BLENDERS
from tests.farm.processes import SCALED, FarmProcesses, wait_until

_EVERY_SETTING = Path(__file__).with_name("every_setting.js")


def _dispatcher() -> str:
    """Return a script that starts one of several Blenders, which the file's path names."""
    cases = [
        f'  *{blender.name}-*) exec {shlex.join(blender.command)} "$@";;' for blender in BLENDERS
    ]
    lines = ["#!/bin/sh", 'case "$*" in', *cases, f'  *) exec {BLENDERS[0].command[0]} "$@";;']
    return "\n".join([*lines, "esac", ""])


class RenderFarm(FarmProcesses):
    def __init__(self, directory: Path) -> None:
        super().__init__(directory, settings=SCALED, blender=_dispatcher())
        self.storage = directory / "shared storage"

    def __enter__(self) -> Self:
        self.storage.mkdir(parents=True)
        scripts = self.data_dir / "scripts"
        scripts.mkdir(parents=True)
        (scripts / "every_setting.js").write_text(_EVERY_SETTING.read_text())
        super().__enter__()
        self.start_host("render", "--slots", "2")
        wait_until(lambda: len(self.awake()) == 1, 180)
        self.http.post("/api/v3/worker-mgt/tags", json={"name": "gpu"}).raise_for_status()
        return self

    def configure(self, settings: Any) -> None:
        super().configure(
            {
                **settings,
                "shared_storage_path": str(self.storage),
                "manager_name": "Farm of tests",
                "shaman": {"enabled": False},
            }
        )
