"""Real Blender, real ffmpeg: frames and a video on disk."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.worker_host.farmhouse import Farmhouse
from worker_host.processes.environment import clean_environment
from worker_host.run_table import RunTable
from workflows.domain.messages import OutcomeKind

SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 4
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
scene.render.resolution_percentage = 100
bpy.ops.wm.save_as_mainfile(filepath=sys.argv[-1])
"""


@pytest.fixture(scope="session")
def blend_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cube, 64 by 36, made by the Blender that will render it."""
    path = tmp_path_factory.mktemp("scene") / "cube scene ä.blend"
    subprocess.run(
        ["blender", "-b", "--factory-startup", "--python-expr", SCENE, "--", str(path)],
        check=True,
        capture_output=True,
        env=clean_environment(os.environ, {}, "scene"),
    )
    assert path.exists()
    return path


async def test_frames_and_their_video_come_to_disk(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    asked = house.ref()
    frames = tmp_path / "frames"
    render = {
        "exe": "blender",
        "exeArgs": "-b -y",
        "blendfile": str(blend_file),
        "args": ["-o", f"{frames}/######", "-F", "PNG", "--render-frame", "1..3"],
    }
    video = {
        "exe": "ffmpeg",
        "exeArgs": "-y -loglevel error",
        "fps": 24,
        "inputGlob": f"{frames}/*.png",
        "args": ["-c:v", "libx264", "-pix_fmt", "yuv420p"],
        "outputFile": f"{tmp_path}/preview.mp4",
    }

    outcome = await house.run(
        table, asked, house.commands(("blender-render", render), ("frames-to-video", video))
    )

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert [path.name for path in sorted(frames.iterdir())] == [
        *("000001.png", "000002.png", "000003.png")
    ]
    assert frame_count(tmp_path / "preview.mp4") == 3
    await house.eventually(lambda: len(house.hooks.images) == 3)
    assert house.hooks.images[-1] == frames / "000003.png"
    rendering = [shown for shown in house.hooks.progress if shown.get("frames_done")]
    assert rendering[-1]["frames_total"] == 3
    assert rendering[-1]["samples"] == 4


async def test_file_that_is_no_scene_fails_the_task(
    house: Farmhouse, table: RunTable, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.blend"
    broken.write_text("no scene")
    render = {"exe": "blender", "exeArgs": "-b", "blendfile": str(broken), "args": ["-f", "1"]}

    outcome = await house.run(table, house.ref(), house.commands(("blender-render", render)))

    assert outcome.reason == "command exited abnormally with code 1"


def frame_count(video: Path) -> int:
    probe = shutil.which("ffprobe")
    assert probe is not None
    counted = subprocess.run(
        [
            probe,
            "-v",
            "error",
            "-count_frames",
            "-of",
            "csv=p=0",
            "-show_entries",
            "stream=nb_read_frames",
            str(video),
        ],
        check=True,
        capture_output=True,
        text=True,
    )
    return int(counted.stdout)
