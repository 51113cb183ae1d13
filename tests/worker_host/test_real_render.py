"""Real Blender, real ffmpeg: frames and a video on disk."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from tests.worker_host.farmhouse import Farmhouse, Fetch
from worker_host.processes.environment import clean_environment
from worker_host.run_table import RunTable
from workflows.domain.frame_files import files_of_arguments
from workflows.domain.messages import OutcomeKind
from workflows.domain.run_times import RunTimes
from workflows.domain.written_frames import ExistingFrames

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


async def test_frames_that_an_earlier_try_left_cut_off_are_rendered_again(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    asked, frames = house.ref(), tmp_path / "frames"
    frames.mkdir()
    (frames / "000001.png").touch()
    (frames / "000002.png").write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    Image.new("RGB", (64, 36), "crimson").save(frames / "000003.png")
    of_an_earlier_try = (frames / "000003.png").read_bytes()

    outcome = await house.run(table, asked, render(house, blend_file, frames, "1..4"))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    for number in (1, 2, 4):
        with Image.open(frames / f"00000{number}.png") as image:
            image.load()
            assert image.size == (64, 36)
    assert (frames / "000003.png").read_bytes() == of_an_earlier_try
    assert len(list(frames.iterdir())) == 4  # nothing is left of the cut off ones


async def test_a_second_rendering_keeps_what_the_first_has_written(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    """The file's own name for frames cannot be foretold; frame 2 is another job's."""
    asked, frames = house.ref(), tmp_path / "frames"
    frames.mkdir()
    Image.new("RGB", (8, 8), "crimson").save(frames / "0002.png")
    setup = (
        "import bpy; r = bpy.context.scene.render; r.use_overwrite = False; "
        f"r.filepath = {str(frames) + '/'!r}"
    )
    parameters = {
        "exe": "blender",
        "exeArgs": "-b -y",
        "blendfile": str(blend_file),
        "args": ["--python-expr", setup, "-F", "PNG", "--render-frame", "1..3"],
    }
    existing = ExistingFrames(are_all_kept=False)

    outcome = await house.run(
        table,
        asked,
        house.commands(
            ("blender-render", parameters), ("blender-render", parameters), existing_frames=existing
        ),
    )

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert sorted(path.name for path in frames.iterdir()) == ["0001.png", "0002.png", "0003.png"]
    with Image.open(frames / "0002.png") as image:
        assert image.size == (64, 36)
    assert house.log(asked.key).count("frame written: ") == 3


async def test_a_scene_that_the_file_does_not_have_fails_the_task(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    asked = house.ref()
    commands = render(house, blend_file, tmp_path / "frames", "1", "--scene", "Shot_010")

    outcome = await house.run(table, asked, commands)

    assert outcome.kind is OutcomeKind.FAILED
    assert outcome.reason.startswith("Can't find scene: 'Shot_010' in file: ")
    assert not list(tmp_path.rglob("*.png"))  # noqa: ASYNC240 - one look, for the other scene's
    assert "frame written: " not in house.log(asked.key)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["-F", "NOSUCH", "-f", "1"], "this Blender does not know the format NOSUCH"),
        (
            ["--python-expr", "raise SystemExit", "-s", "1", "-e", "3", "-a"],
            "Blender ended without having written frame 1",
        ),
    ],
)
async def test_exit_code_0_is_not_enough(
    house: Farmhouse,
    table: RunTable,
    blend_file: Path,
    tmp_path: Path,
    arguments: list[str],
    reason: str,
) -> None:
    output = ["-o", f"{tmp_path}/frames/######"]
    parameters = {
        "exe": "blender",
        "exeArgs": "-b -y",
        "blendfile": str(blend_file),
        "args": [*output, *arguments],
    }

    outcome = await house.run(table, house.ref(), house.commands(("blender-render", parameters)))

    assert (outcome.kind, outcome.reason) == (OutcomeKind.FAILED, reason)


async def test_an_output_path_below_blenders_own_folder_fails_the_task(
    house: Farmhouse, table: RunTable, blend_file: Path
) -> None:
    outcome = await house.run(table, house.ref(), render(house, blend_file, Path("relout"), "1"))

    assert (outcome.fault, outcome.rule) == ("scene", "output-path")
    assert outcome.reason.startswith("the output path is relative, so each machine writes in ")


async def test_an_output_path_that_blender_would_cut_fails_the_task(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    folder = Path(tmp_path, *["a" * 200] * 5)

    outcome = await house.run(table, house.ref(), render(house, blend_file, folder, "1"))

    assert outcome.kind is OutcomeKind.FAILED
    assert "Blender cuts it off after 1013" in outcome.reason
    assert not os.path.exists(folder.parents[3])  # noqa: ASYNC240 - one look


async def test_the_reason_is_in_blenders_own_words(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    no_camera = ("--python-expr", "import bpy; bpy.context.scene.camera = None")

    outcome = await house.run(
        table, house.ref(), render(house, blend_file, tmp_path / "frames", "1", *no_camera)
    )

    assert outcome.kind is OutcomeKind.FAILED
    assert "no camera" in outcome.reason


ENDLESS_THREAD = "import threading, time; threading.Thread(target=time.sleep, args=[1e6]).start()"


async def test_blender_with_a_thread_that_never_ends_is_stopped_and_its_task_is_completed(
    house: Farmhouse, table: RunTable, blend_file: Path, tmp_path: Path
) -> None:
    asked, frames = house.ref(), tmp_path / "frames"
    thread = ("--python-expr", ENDLESS_THREAD)

    outcome = await house.run(table, asked, render(house, blend_file, frames, "1..2", *thread))

    assert outcome.kind is OutcomeKind.COMPLETED, house.log(asked.key)
    assert {path.name for path in frames.iterdir()} == {"000001.png", "000002.png"}
    assert "they are whole, but it has not ended for 1 s: stopping it" in house.log(asked.key)


NAMING = """
import bpy, json
scene = bpy.context.scene
scene.render.image_settings.file_format = "{form}"
names = []
for adds in (True, False):
    scene.render.use_file_extension = adds
    for end in {ends}:
        scene.render.filepath = "/out/" + end
        names += [scene.render.frame_path(frame=frame) for frame in {frames}]
print("NAMES", json.dumps(names))
"""


@pytest.mark.parametrize("form", ["PNG", "JPEG", "TIFF", "OPEN_EXR", "TARGA_RAW", "IRIS"])
def test_frames_are_named_as_this_blender_names_them(form: str) -> None:
    extensions = [
        "png",
        "PNG",
        "jpg",
        "JPEG",
        "TIFF",
        "exr",
        "rgb",
        "sgi",
        "j2c",
        "j2k",
        "webp",
        "v2",
    ]
    ends = [
        "#",
        "####",
        "a",
        "a##b###c",
        "a.####",
        "a1#",
        "####.",
        *map("##.{}".format, extensions),
    ]
    frames = [0, 2, 10, 12345, 1_048_574, -3]
    script = NAMING.format(form=form, ends=ends, frames=frames)

    said = subprocess.run(
        ["blender", "-b", "--factory-startup", "--python-expr", script],
        check=True,
        capture_output=True,
        text=True,
        env=clean_environment(os.environ, {}, "names"),
    ).stdout

    expected = []
    for adds_extension in ("1", "0"):
        for end in ends:
            files = files_of_arguments(["-o", f"/out/{end}", "-F", form, "-x", adds_extension])
            assert files is not None
            expected += [f"/out/{files.name(frame)}" for frame in frames]
    assert json.loads(said.partition("NAMES")[2].splitlines()[0]) == expected


def render(
    house: Farmhouse,
    blend_file: Path,
    folder: Path,
    frames: str,
    *more: str,
    kind: str = "PNG",
) -> Fetch:
    setup = "import bpy; r = bpy.context.scene.render; r.use_overwrite = False"
    parameters = {
        "exe": "blender",
        "exeArgs": "-b -y",
        "blendfile": str(blend_file),
        "args": [
            *("--python-expr", setup, *more, "-o", f"{folder}/######", "-F", kind),
            *("--render-frame", frames),
        ],
    }
    return house.commands(("blender-render", parameters), times=RunTimes(end_grace_s=1))


async def test_file_that_is_no_scene_fails_the_task(
    house: Farmhouse, table: RunTable, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.blend"
    broken.write_text("no scene")
    render = {"exe": "blender", "exeArgs": "-b", "blendfile": str(broken), "args": ["-f", "1"]}

    outcome = await house.run(table, house.ref(), house.commands(("blender-render", render)))

    assert "File format is not supported" in outcome.reason
    assert "Blender cannot read the blend file" in outcome.reason


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
