"""A farm of real processes that renders with the real Blender, and scenes for it."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from tests.farm.processes import FarmProcesses, wait_until

PROGRAMS = "/usr/local/bin:/usr/bin:/bin"
_BLENDER = f"""#!/bin/sh
unset PYTHONPATH PYTHONHOME VIRTUAL_ENV
PATH={PROGRAMS}
exec blender "$@"
"""
_MAKE_SCENE = """
import bpy
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples, scene.cycles.use_denoising = 1, False
scene.render.resolution_x, scene.render.resolution_y = 32, 18
scene.render.resolution_percentage = 100
scene.frame_start, scene.frame_end = 3, 4
scene.render.image_settings.file_format = "PNG"
bpy.ops.wm.save_as_mainfile(filepath={file!r}, compress=False)
"""


class SmallFarm(FarmProcesses):
    """A farm with one host and Shaman. All its files are in the test's folder."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory, blender=_BLENDER)

    def __enter__(self) -> Self:
        super().__enter__()
        return self

    def configure(self, settings: Mapping[str, Any]) -> None:
        self.storage.mkdir(parents=True, exist_ok=True)
        storage = {"shared_storage_path": str(self.storage.parent), "shaman": {"enabled": True}}
        super().configure({**settings, **storage})

    @property
    def storage(self) -> Path:
        """What the manager answers: with Shaman, jobs have a folder of their own."""
        return self.directory / "shared storage" / "jobs"

    def start_worker(self) -> None:
        self.start_host("artist's worker")
        wait_until(self.awake, 180)


def make_blend_file(file: Path) -> Path:
    """Make a blend file of the default scene: tiny, with the frames 3 and 4."""
    assert shutil.which("blender", path=PROGRAMS), (
        "these tests render with Blender: apt-get install --no-install-recommends blender"
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    script = _MAKE_SCENE.format(file=str(file))
    command = ["blender", "--background", "--factory-startup", "--python-exit-code", "3"]
    subprocess.run(
        [*command, "--python-expr", script],
        env={"PATH": PROGRAMS, "HOME": str(file.parent)},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return file
