"""Warnings of Blender: Python errors, and files that are missing."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.worker_host.farmhouse import Farmhouse
from worker_host.processes.environment import clean_environment
from worker_host.run_table import RunTable
from workflows.domain.blender_warnings import BlenderWarnings
from workflows.domain.messages import OutcomeKind
from workflows.domain.render_warnings import WarningBook, Warnings

HANDLER = """Traceback (most recent call last):
  File "/b/handler-raises.blend/startup.py", line 4, in broken
RuntimeError: rig update failed
"""
#: As Blender 4.5 prints it.
HANDLER_45 = "Error in bpy.app.handlers.frame_change_pre[0]:\n" + HANDLER
LIBRARY = """Info: Read library:  '/b/library.blend', '//library.blend', parent '<direct>'
Warning: Unable to open '/b/library.blend': No such file or directory
Info: Cannot find lib '/b/library.blend'
Info: LIB: Collection: 'Assets' missing from '/b/library.blend', parent '<direct>'
"""
RIG = "Python error: RuntimeError: rig update failed (startup.py, line 4)"


def found(output: str) -> Warnings:
    book = WarningBook()
    warnings = BlenderWarnings(book)
    for line in output.encode().split(b"\n"):
        warnings.line(line)
    return book.all()


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        (HANDLER, ((RIG, 1),)),
        (HANDLER_45 + "Saved: '/o/f1.png'\n" + HANDLER_45, ((RIG, 2),)),
        (LIBRARY, (('a library is missing: "/b/library.blend"', 1),)),
        ("Missing file: image //t/a b.png", (('a file is missing (image): "//t/a b.png"', 1),)),
        (
            'Traceback (most recent call last):\n  File "<string>", line 1, in <module>\n'
            "    bpy.ops.nope()\n    ~~~~~~~~^^\nAttributeError: no nope",
            (("Python error: AttributeError: no nope (<string>, line 1)", 1),),
        ),
        (
            'Error: Python:   File "/s/r.py", line 1\n    def x(:\n          ^\n'
            "SyntaxError: invalid syntax\n",
            (("Python error: SyntaxError: invalid syntax (r.py, line 1)", 1),),
        ),
        (
            'Error: Python: OSError: Python file "/no.py" could not be opened: gone\nInfo: a',
            (('Python error: OSError: Python file "/no.py" could not be opened: gone', 1),),
        ),
        (
            'Error: Python: Traceback (most recent call last):\n  File "/s/r.py", line 1\n'
            "ModuleNotFoundError: No module named 'nosuch'\n",
            (("Python error: ModuleNotFoundError: No module named 'nosuch' (r.py, line 1)", 1),),
        ),
        ("Warning: color management: scene view fallback\nInfo: nothing\n", ()),
        ("Traceback (most recent call last):\n  cut off", ()),
    ],
)
def test_the_warnings_in_blenders_output(output: str, expected: Warnings) -> None:
    assert found(output) == expected


MAKE = """
import bpy, os
folder = os.environ["FOLDER"]

def fresh():
    bpy.ops.wm.read_factory_settings()
    render = bpy.context.scene.render
    render.engine = "CYCLES"
    bpy.context.scene.cycles.samples = 1
    bpy.context.scene.cycles.use_denoising = False
    render.resolution_x, render.resolution_y, render.resolution_percentage = 16, 16, 100

fresh()
bpy.data.collections["Collection"].name = "Assets"
bpy.ops.wm.save_as_mainfile(filepath=folder + "/library.blend")
fresh()
with bpy.data.libraries.load(folder + "/library.blend", link=True) as (_, linked):
    linked.collections = ["Assets"]
bpy.context.scene.collection.children.link(bpy.data.collections["Assets"])
image = bpy.data.images.new("gone", 8, 8)
image.source, image.filepath = "FILE", "//textures/gone.png"
image.use_fake_user = True
text = bpy.data.texts.new("startup.py")
text.use_module = True
text.write(
    "import bpy\\n@bpy.app.handlers.persistent\\ndef broken(*_):\\n"
    "    raise RuntimeError('rig update failed')\\n"
    "bpy.app.handlers.frame_change_pre.append(broken)\\n"
)
bpy.ops.wm.save_as_mainfile(filepath=folder + "/warned.blend")
os.unlink(folder + "/library.blend")
"""


@pytest.fixture
def warned(tmp_path: Path) -> str:
    """A blend file with a lost library, a lost image and a handler that raises."""
    make = ["blender", "-b", "--factory-startup", "--python-expr", MAKE]
    environment = clean_environment(os.environ, {"FOLDER": str(tmp_path)}, "")
    subprocess.run(make, env=environment, check=True, stdout=subprocess.DEVNULL)
    return str(tmp_path / "warned.blend")


@pytest.mark.parametrize("fails", [False, True])
async def test_a_real_render_completes_with_warnings_or_fails_if_the_job_says_so(
    house: Farmhouse, table: RunTable, tmp_path: Path, warned: str, fails: bool
) -> None:
    parameters = {
        "exe": "blender",
        "exeArgs": "-b -y",
        "blendfile": warned,
        "args": ["--render-output", str(tmp_path / "f####"), "--render-frame", "1..2"],
    }

    outcome = await house.run(
        table,
        house.ref(),
        house.commands(("blender-render", parameters), fail_on_warnings=fails),
    )

    assert outcome.kind is (OutcomeKind.FAILED if fails else OutcomeKind.COMPLETED)
    assert outcome.warnings == (
        (f'a library is missing: "{tmp_path}/library.blend"', 1),
        ('a file is missing (image): "//textures/gone.png"', 1),
        (RIG, 2),
    )
    assert ("a warning is a failure" in outcome.reason, outcome.fault == "scene") == (fails, fails)
    # The next try must render frames with warnings again.
    end = ".previous" if fails else ""
    frames = {name for name in os.listdir(tmp_path) if name.startswith("f0")}
    assert frames == {f"f0001.png{end}", f"f0002.png{end}"}
