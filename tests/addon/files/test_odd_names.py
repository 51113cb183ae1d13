"""Files with odd names and of uncommon kinds are found like all others."""

import json
import subprocess
from pathlib import Path

import pytest

from addon.core.files.tracers.sequences import numbered_like, standing_for
from tests.addon.blender.blenders import BLENDERS, PROJECT, Blender, environment_of

_SCRIPT = Path(__file__).with_name("odd_project.py")
_FOUND = [
    "a[1]b 0001_left.jp2",
    "a[1]b 0002_left.jp2",
    "emoji 🦇 ' \" $HOME.png",
    "fluid cache/config/config_0001.uni",
    "fluid cache/data/fluid_data_0001.vdb",
    "odd.blend",
    "strip/bild 0001.png",
    "strip/bild 0002.png",
    "sub/back.png",
    "tex [v2]/t.1001.png",
    "tex [v2]/t.1002.png",
    "vdb/smoke_0001.vdb",
    "vdb/smoke_0002.vdb",
]


@pytest.mark.parametrize("blender", BLENDERS, ids=lambda blender: blender.name)
def test_each_generation_of_blender_brings_along_the_same(blender: Blender, tmp_path: Path) -> None:
    blender.check_is_there()
    project = tmp_path / "project"
    options = ("-b", "--factory-startup", "--python-exit-code", "1", "--python", str(_SCRIPT))

    done = subprocess.run(
        [*blender.command, *options, "--", str(PROJECT), str(project)],
        env=environment_of(tmp_path / "profile"),
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((project / "found.json").read_text())
    assert found["targets"] == _FOUND
    assert [path[-len("C:/textures/windows.png") :] for path in found["missing"]] == [
        "C:/textures/windows.png"
    ]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    names = ("v2 0001.exr", "v2 0002.exr", "v2 10000.exr", "v2 0001.png", "v2 x.exr", "v3 0001.exr")
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / "v2 0003.exr").mkdir()
    return tmp_path


def test_a_sequence_is_the_same_name_with_other_numbers(frames: Path) -> None:
    found = [path.name for path in numbered_like(frames / "v2 0001.exr")]

    assert found == ["v2 0001.exr", "v2 0002.exr", "v2 10000.exr"]


def test_a_name_without_a_number_is_alone(frames: Path) -> None:
    assert list(numbered_like(frames / "x.mp4")) == [frames / "x.mp4"]


def test_a_pattern_means_only_its_star(frames: Path) -> None:
    (frames / "[a]_1.uni").touch()
    (frames / "a_1.uni").touch()

    assert [path.name for path in standing_for(frames / "[a]_*.uni")] == ["[a]_1.uni"]
    assert list(standing_for(frames / "nowhere" / "*.uni")) == []
