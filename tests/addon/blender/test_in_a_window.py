"""The panel in a window, drawn by Blender itself, in each of its states."""

from pathlib import Path

from PIL import Image

from tests.addon.blender.pictures import SIZE, take
from tests.addon.blender.render_farm import RenderFarm

STATES = ("no-manager", "ready", "findings", "submitting", "my-jobs", "out-of-reach")


def test_each_state_is_drawn_without_an_error(
    farm: RenderFarm, addon_zip: Path, tmp_path: Path
) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()

    printed = take(farm, addon_zip, tmp_path, pictures, megabytes=20)

    # Blender prints an error in a panel, and goes on.
    assert "Traceback" not in printed, printed
    taken = sorted(pictures.iterdir())
    assert [file.stem[2:] for file in taken] == list(STATES)
    for file in taken:
        with Image.open(file) as image:
            assert image.width >= SIZE[0]
            assert len(image.convert("RGB").getcolors(1 << 24) or ()) > 20
