"""Blender 4.5, as its Python module behind Blender's command line: its own names, lines and skips.

The wheel is installed once per machine, where `make demo` would put it.
"""

import os
import subprocess
from pathlib import Path

import pytest
from PIL import Image

from manager_api.cli.blender import PROJECT, install
from tests.farm.locks import alone
from tests.worker_host.farmhouse import Farmhouse
from worker_host.processes.environment import clean_environment
from worker_host.run_table import RunTable
from workflows.domain.messages import Outcome, OutcomeKind

# The first to come installs 400 MB.
pytestmark = pytest.mark.timeout(1200)

SCENE = """
import bpy, sys
scene = bpy.context.scene
scene.render.engine = "CYCLES"
scene.cycles.samples = 1
scene.cycles.use_denoising = False
scene.render.resolution_x, scene.render.resolution_y = 64, 36
bpy.ops.wm.save_as_mainfile(filepath={path!r})
"""
KEEP = "import bpy; render = bpy.context.scene.render; render.use_overwrite = False; "
STEREO = KEEP + "render.use_multiview = True"
NO_CAMERA = KEEP + "bpy.context.scene.camera = None"
#: Blender 4.5 says of the compositor's files what it says of frames.
COMPOSITOR = (
    KEEP + "scene = bpy.context.scene; scene.use_nodes = True; nodes = scene.node_tree.nodes; "
    "file = nodes.new('CompositorNodeOutputFile'); file.base_path = '{folder}/passes'; "
    "layers = next(node for node in nodes if node.type == 'R_LAYERS'); "
    "scene.node_tree.links.new(layers.outputs[0], file.inputs[0])"
)
SIZE = (64, 36)


@pytest.fixture(scope="module")
def blender() -> Path:
    with alone(PROJECT):
        return install(PROJECT / ".venv-bpy")


@pytest.fixture(scope="module")
def blend_file(blender: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "cube.blend"
    subprocess.run(
        [blender, "-b", "--factory-startup", "--python-expr", SCENE.format(path=str(path))],
        check=True,
        capture_output=True,
        env=clean_environment(os.environ, {}, "scene"),
    )
    return path


class Farm:
    """A host with Blender 4.5, a scene and a folder of frames."""

    def __init__(
        self, house: Farmhouse, table: RunTable, blender: Path, blend_file: Path, folder: Path
    ) -> None:
        self._house = house
        self._table = table
        self._blender = blender
        self._blend_file = blend_file
        self.folder = folder
        folder.mkdir()

    async def render(self, setup: str, *arguments: str, output: str = "####") -> Outcome:
        expression = ["--python-expr", setup.replace("{folder}", str(self.folder))]
        parameters = {
            "exe": str(self._blender),
            "exeArgs": "-b -y",
            "blendfile": str(self._blend_file),
            "args": [
                *arguments,
                *expression,
                *("-o", f"{self.folder}/{output}", "-F", "PNG", "-f", "1..2"),
            ],
        }
        return await self._house.run(
            self._table,
            self._house.ref(),
            self._house.commands(("blender-render", parameters)),
        )


@pytest.fixture
def farm(
    house: Farmhouse, table: RunTable, blender: Path, blend_file: Path, tmp_path: Path
) -> Farm:
    return Farm(house, table, blender, blend_file, tmp_path / "frames")


@pytest.mark.parametrize(
    ("setup", "cut", "expected"),
    [
        (KEEP, "0001.png", ["0001.png", "0002.png"]),
        (STEREO, "0001_R.png", ["0001_L.png", "0001_R.png", "0002_L.png", "0002_R.png"]),
        (COMPOSITOR, "0002.png", ["0001.png", "0002.png", "passes"]),
    ],
    ids=["frames", "stereo", "compositor"],
)
async def test_what_a_killed_blender_left_is_rendered_again(
    farm: Farm, setup: str, cut: str, expected: list[str]
) -> None:
    (farm.folder / cut).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")

    outcome = await farm.render(setup)

    assert outcome.kind is OutcomeKind.COMPLETED, outcome
    assert sorted(path.name for path in farm.folder.iterdir()) == expected
    with Image.open(farm.folder / cut) as image:
        assert image.size == SIZE


@pytest.mark.parametrize(
    ("setup", "arguments", "output", "reason"),
    [
        (KEEP, ["--scene", "Shot_010"], "####", "Can't find scene: 'Shot_010' in file: "),
        (NO_CAMERA, [], "####", "Error: Cannot render, no camera"),
        (KEEP, [], "a/" * 500 + "####", "the output path has 1"),
    ],
    ids=["scene", "camera", "long"],
)
async def test_what_cannot_work_fails_with_blenders_words(
    farm: Farm, setup: str, arguments: list[str], output: str, reason: str
) -> None:
    outcome = await farm.render(setup, *arguments, output=output)

    assert (outcome.kind, outcome.fault) == (OutcomeKind.FAILED, "scene")
    assert outcome.reason.startswith(reason)
    assert list(farm.folder.iterdir()) == []
