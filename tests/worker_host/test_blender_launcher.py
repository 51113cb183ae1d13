"""The bpy wheel behind Blender's command line: each test holds for the real Blender, too.

The wheel is installed once per machine, where `make demo` would put it.
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from manager_api.cli.blender import PROJECT, clean_environment, install
from tests.farm.locks import alone

# The first to come installs 400 MB.
pytestmark = pytest.mark.timeout(1200)

SETUP = "; ".join(
    (
        "import bpy",
        "scene = bpy.context.scene",
        "scene.render.engine = 'CYCLES'",
        "scene.cycles.samples = 1",
        "scene.cycles.use_denoising = False",
        "scene.render.resolution_x, scene.render.resolution_y = 32, 18",
        "bpy.data.scenes.new('Other')",
    )
)


@dataclass(frozen=True)
class Ended:
    exit_code: int
    output: str

    @property
    def saved(self) -> list[str]:
        return [
            Path(line.split("'")[1]).name for line in self.output.splitlines() if "Saved: '" in line
        ]


Blender = Callable[..., Ended]


def _real_blender() -> Path:
    found = shutil.which("blender")
    assert found is not None, "Install Blender: .ci/system-packages does it on Debian."
    return Path(found)


@pytest.fixture(scope="module", params=["blender", "launcher"])
def blender(request: pytest.FixtureRequest) -> Blender:
    launcher = request.param == "launcher"
    with alone(PROJECT):
        executable = install(PROJECT / ".venv-bpy") if launcher else _real_blender()

    def call(*arguments: str | Path) -> Ended:
        ended = subprocess.run(
            [executable, "--background", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
            env=clean_environment(os.environ),
        )
        return Ended(ended.returncode, ended.stdout)

    return call


@pytest.fixture(scope="module")
def scene(blender: Blender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of 32 by 18 pixels, made with the Blender that renders it."""
    file = tmp_path_factory.mktemp("scene") / "scene.blend"
    save = f"{SETUP}; bpy.ops.wm.save_as_mainfile(filepath={str(file)!r})"
    made = blender("--factory-startup", "--python-expr", save)
    assert file.is_file(), made.output
    return file


def test_every_second_frame_without_an_extension(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    steps = ["-s", 1, "-e", 4, "-j", 2, "-a"]

    ended = blender(scene, "-o", f"{tmp_path}/f.####", "-F", "PNG", "-x", 0, *steps)

    assert ended.exit_code == 0, ended.output
    assert ended.saved == ["f.0001", "f.0003"]


def test_a_task_of_a_render_job_leaves_its_frames(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    setup = "import bpy; bpy.context.scene.render.use_overwrite = False"
    job = ["-y", scene, "--scene", "Scene", "--python-expr", setup]
    job += ["--render-output", tmp_path / "######", "--render-format", "PNG"]

    first = blender(*job, "--render-frame", "2..3,7")
    second = blender(*job, "--render-frame", "2..4")

    assert first.exit_code == second.exit_code == 0
    assert first.saved == ["000002.png", "000003.png", "000007.png"]
    assert second.output.lower().count("skipping existing frame") == 2
    assert second.saved == ["000004.png"]


def test_negative_frames_are_counted_back_from_the_end(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    setup = "import bpy; bpy.context.scene.render.use_overwrite = False"
    arguments = ("--python-expr", setup, "-o", tmp_path / "f##", "-F", "PNG", "-e", "0")

    blender(scene, *arguments, "-f", "-3")
    ended = blender(scene, *arguments, "-f", "-4..1")

    assert ended.saved == [*("f-03.png", "f-01.png", "f00.png", "f01.png")]
    assert f'skipping existing frame "{tmp_path}/f-02.png"' in ended.output


def test_the_animation_goes_from_start_to_end(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    rendered = blender(scene, "-o", tmp_path / "a_##", "-F", "JPEG", "-s", "3", "-e", "4", "-a")

    assert rendered.saved == ["a_03.jpg", "a_04.jpg"]


def test_arguments_take_effect_in_their_order(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    before, after = tmp_path / "before_#", tmp_path / "after_#"

    rendered = blender(scene, "-o", before, "-f", "1", "-o", after, "-f", "2")

    assert rendered.saved == ["before_1.png", "after_2.png"]


@pytest.mark.parametrize("content", [None, b"no blend file"])
def test_a_file_that_cannot_be_read_ends_blender(
    blender: Blender, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "x.blend"
    if content is not None:
        file.write_bytes(content)

    ended = blender(file, "--python-expr", "print('went on')")

    assert ended.exit_code == 1
    assert str(file) in ended.output
    assert "went on" not in ended.output


def test_a_render_that_fails_is_told_by_the_exit_code_at_the_end(
    blender: Blender, scene: Path
) -> None:
    ended = blender(scene, "-S", "Other", "-f", "1", "--python-expr", "print('went on')")

    assert ended.exit_code == 1
    assert "no camera" in ended.output
    assert "went on" in ended.output


def test_an_output_folder_that_cannot_be_written_is_a_failure(
    blender: Blender, scene: Path
) -> None:
    ended = blender(scene, "-o", "/proc/nowhere/#", "-f", "1")

    assert ended.exit_code == 1
    assert "Render error" in ended.output


def test_a_missing_scene_is_said_and_the_files_own_is_rendered(
    blender: Blender, scene: Path, tmp_path: Path
) -> None:
    ended = blender(scene, "-S", "Nowhere", "-o", tmp_path / "#", "-f", "1")

    assert "Can't find scene: 'Nowhere'" in ended.output
    assert ended.saved == ["1.png"]


def test_an_engine_that_is_none_ends_blender(blender: Blender, scene: Path) -> None:
    assert blender(scene, "-E", "NOPE", "-f", "1").exit_code == 1


def test_a_python_error_counts_only_if_that_was_asked_for(blender: Blender, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text("raise RuntimeError('it broke')")

    ignored = blender("-P", script)
    counted = blender("--python-exit-code", "7", "-P", script, "--python-expr", "print('went on')")

    assert (ignored.exit_code, counted.exit_code) == (0, 7)
    assert "it broke" in ignored.output
    assert "went on" not in counted.output


def test_a_script_sees_its_own_arguments_and_may_end_blender(
    blender: Blender, tmp_path: Path
) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; print('mine:', sys.argv[sys.argv.index('--') + 1:]); sys.exit(5)"
    )

    ended = blender("-P", script, "--", "-f", "1")

    assert ended.exit_code == 5
    assert "mine: ['-f', '1']" in ended.output


def test_the_version_is_told_and_nothing_else_is_done(blender: Blender) -> None:
    ended = blender("--version", "--python-expr", "print('went on')")

    assert ended.exit_code == 0
    assert ended.output.startswith("Blender ")
    assert "went on" not in ended.output
