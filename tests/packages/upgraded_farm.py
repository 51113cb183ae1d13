"""A farm whose manager is installed as people install it, and upgraded by the commands of the docs.

Frames are rendered by real Blender, and held until the test lets them go.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from tests.farm.processes import SCALED, FarmProcesses, wait_until
from tests.packages.conftest import PROJECT
from tests.packages.environments import environment_of_steps, installed
from worker_host.processes.environment import clean_environment
from worker_host.versions_folder import VersionsFolder

NAME = "carmen"
_HELD_BLENDER = Path(__file__).with_name("held_blender.py")
#: Production's, because a host that begins takes its time on a busy machine.
PATIENT = {**SCALED, "TABLAO_LOST_AFTER_S": "60", "TABLAO_HEARTBEAT_S": "120"}
_SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


class ToolFarm(FarmProcesses):
    """The manager is a tool of uv's; one worker of the older version has an environment of its own.

    Args:
        directory: where all of it is; it is created.
        older: the wheel with which the farm begins.
        newer: the wheel to which it is upgraded.
    """

    def __init__(self, directory: Path, older: Path, newer: Path) -> None:
        blender = shutil.which("blender")
        assert blender, "apt-get install blender"
        directory.mkdir()
        self.blender = blender
        self.older, self.newer = older, newer
        uv = {name: value for name, value in environment_of_steps().items() if "UV_" in name}
        settings = {
            **PATIENT,
            **uv,
            "UV_CONSTRAINT": str(PROJECT / "requirements.txt"),
            "UV_TOOL_DIR": str(directory / "tools"),
            "UV_TOOL_BIN_DIR": str(directory / "bin"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        wrapper = f'#!/bin/sh\nexec {blender} --python {_HELD_BLENDER} "$@"\n'
        super().__init__(directory, settings=settings, blender=wrapper)
        self.programs["manager_api.cli.main"] = (str(directory / "bin/tablao"),)
        worker = installed(directory / "worker", sys.executable, self.older)
        self.programs["worker_host.main"] = (str(worker / "tablao-worker"),)

    @property
    def _environment(self) -> dict[str, str]:
        return os.environ | self._settings

    def install(self, wheel: Path, *options: str) -> "subprocess.CompletedProcess[str]":
        """Do as docs/upgrading.md says under "The package"."""
        return subprocess.run(
            ["uv", "tool", "install", *options, f"./{wheel.name}"],
            cwd=wheel.parent,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=280,
        )

    def installs(self, wheel: Path) -> "subprocess.Popen[bytes]":
        """Begin to install it, for a test that cuts it off."""
        return subprocess.Popen(
            ["uv", "tool", "install", "--quiet", f"./{wheel.name}"],
            cwd=wheel.parent,
            env=self._environment,
        )

    def tablao(self, *words: str | Path) -> "subprocess.CompletedProcess[str]":
        """Call the installed `tablao`."""
        return subprocess.run(
            [self.directory / "bin/tablao", *map(str, words)],
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def save_scene(self) -> None:
        self.blend_file = self.directory / "scene.blend"
        script = ["-b", "--factory-startup", "--python-expr", _SCENE, "--", str(self.blend_file)]
        subprocess.run(
            [self.blender, *script],
            check=True,
            capture_output=True,
            env=clean_environment(os.environ, {}, "scene"),
        )

    def held(self, frames: str, slots: int) -> tuple[str, list[tuple[str, int]]]:
        """A job of which as many frames are held as there are slots; its id, their pids."""
        (self.out / "go").unlink(missing_ok=True)
        before = len(self.started())
        job = self.submit_frames(frames, name="held")
        wait_until(lambda: len(self.started()) == before + slots, 120)
        return job, self.started()[before:]

    def let_go(self) -> None:
        (self.out / "go").touch()

    def worker(self) -> dict[str, Any]:
        workers = self.http.get("/api/tablao/v1/workers").json()["workers"]
        (found,) = [each for each in workers if each["name"] == NAME]
        return dict(found)

    def manager_version(self) -> str:
        return str(self.http.get("/api/tablao/v1/versions").json()["version"])

    def migration(self) -> str:
        [(number,)] = self.query("SELECT version_num FROM alembic_version")
        return str(number)

    def attempts(self, job: str) -> list[int]:
        """How often each task was begun, by the database, in the job's order."""
        rows = self.query("SELECT attempt FROM tasks WHERE job_id = ? ORDER BY index_in_job", job)
        return [int(attempt) for (attempt,) in rows]

    @property
    def versions(self) -> VersionsFolder:
        """The worker's."""
        return VersionsFolder(self.directory / NAME)


def all_alive(held: list[tuple[str, int]]) -> bool:
    return all(
        psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        for _, pid in held
    )
