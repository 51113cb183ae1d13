"""Takes pictures of the panel as artists see it: `python -m tests.addon.blender.pictures`.

It writes them to `docs/screenshots/addon`. It needs Xvfb, and uses Debian's Blender 3.4, because
the `bpy` module cannot open a window.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image, ImageChops

from tests.addon.blender.blenders import BLENDERS, PROJECT, build_zip, environment_of, install
from tests.addon.blender.render_farm import RenderFarm
from tests.addon.blender.windows import run_with_window
from tests.farm.processes import free_port

FOLDER = PROJECT / "docs" / "screenshots" / "addon"
SCENARIO = Path(__file__).with_name("picture_scenario.py")
SIZE = (560, 980)


def take(farm: RenderFarm, addon: Path, folder: Path, pictures: Path, megabytes: int = 400) -> str:
    """Take the pictures, and return what Blender printed meanwhile.

    Args:
        folder: the folder for the profile and the scene.
        megabytes: the size of the files that are sent while a picture is taken.
    """
    profile, scene = folder / "profile", folder / "compás" / "sh010_0020 bulería.blend"
    install(addon, profile)
    build_scene(scene)
    given = {
        "manager": farm.url,
        "dead": f"http://127.0.0.1:{free_port()}",
        "pictures": str(pictures),
        "megabytes": megabytes,
    }
    question = folder / "given.json"
    question.write_text(json.dumps(given))
    done = run_with_window(scene, SCENARIO, question, profile, SIZE)
    assert done.returncode == 0, done.stdout[-6000:]
    return done.stdout


def build_scene(file: Path) -> None:
    expression = (
        f"import sys; sys.path.insert(0, {str(SCENARIO.parent)!r}); import pathlib, scenario_scene;"
        f" scenario_scene.build(pathlib.Path({str(file)!r}))"
    )
    command = [*BLENDERS[0].command, "-b", "--factory-startup", "--python-exit-code", "3"]
    subprocess.run(
        [*command, "--python-expr", expression],
        env=environment_of(file.parent),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def shrink(file: Path) -> None:
    """Crop a picture to the drawn part, and reduce it to a palette; panels have few colors."""
    with Image.open(file) as opened:
        image = opened.convert("RGB")
    # Blender's background, below the last panel.
    empty = Image.new("RGB", image.size, image.getpixel((image.width // 2, image.height - 2)))
    box = ImageChops.difference(image, empty).getbbox()
    height = min(image.height, (box[3] if box else image.height) + 12)
    image.crop((0, 0, image.width, height)).quantize(128).save(file, optimize=True)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="tablao-pictures-") as name,
        RenderFarm(Path(name) / "farm") as farm,
    ):
        take(farm, build_zip(), Path(name), FOLDER)
    for file in sorted(FOLDER.glob("*.png")):
        shrink(file)
        sys.stderr.write(f"{file.relative_to(PROJECT)}\n")


if __name__ == "__main__":
    main()
