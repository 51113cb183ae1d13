"""Real Blender in the stand-in's place: frames that take a while, and the same ledger."""

import os
import shutil
import subprocess
from pathlib import Path

#: Starts Blender as a render machine would: what Debian's finds first on PATH is its Python.
BLENDER = """#!/bin/sh
# usage: as Blender, … --render-frame N
for last; do :; done
echo "start $last $$ $(date +%s.%N)" >> "$LEDGER"
PATH=/usr/local/bin:/usr/bin:/bin blender "$@" || exit
echo "end $last $$ $(date +%s.%N)" >> "$LEDGER"
"""
_SCENE = """
import bpy
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.device = "CPU"
scene.cycles.samples = {samples}
scene.cycles.use_adaptive_sampling = False
scene.cycles.use_denoising = False
scene.render.threads_mode, scene.render.threads = "FIXED", 1
scene.render.resolution_x, scene.render.resolution_y = 320, 180
scene.render.image_settings.file_format = "PNG"
cube = bpy.data.objects["Cube"]
for frame in (1, 100):
    cube.rotation_euler.z = frame / 20
    cube.keyframe_insert("rotation_euler", frame=frame)
bpy.ops.wm.save_as_mainfile(filepath={path!r})
"""


def make_scene(path: Path, samples: int) -> None:
    """A cube that turns.

    Args:
        samples: how many per pixel, and with them how long a frame takes.
    """
    if shutil.which("blender", path="/usr/local/bin:/usr/bin:/bin") is None:
        raise FileNotFoundError("Blender is not installed")
    script = _SCENE.format(samples=samples, path=str(path))
    subprocess.run(
        ["blender", "--background", "--factory-startup", "--python-expr", script],
        check=True,
        stdout=subprocess.DEVNULL,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": os.environ.get("HOME", "/tmp")},
    )
