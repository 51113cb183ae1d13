"""Jobs whose rendered frames are there, without anybody having to render them."""

from pathlib import Path

import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs
from PIL import Image

from tests.browser.farm import BrowsedFarm

SIZE = (64, 36)


def storage(farm: BrowsedFarm) -> Path:
    """The shared storage."""
    return farm.data_dir / "storage"


def paused_job(farm: BrowsedFarm, folder: Path, frames: str, *, form: str = "PNG") -> str:
    """It waits for somebody to requeue it; returns its id."""
    settings = {
        "frames": frames,
        "chunk_size": 1,
        "render_output_root": str(folder.parent),
        "add_path_components": 0,
        "render_output_path": str(folder / "####"),
        "blendfile": str(farm.blend_file),
        "fps": 24,
        "format": form,
        "image_file_extension": ".exr" if form == "OPEN_EXR" else ".png",
        "has_previews": False,
        "scene": "",
    }
    named = {"name": f"frames in {folder.name}", "initial_status": "paused"}
    return farm.submit("simple-blender-render", settings, **named)


def render(folder: Path, *frames: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        Image.new("RGB", SIZE, (frame * 20 % 255, 90, 120)).save(folder / f"{frame:04}.png")


def render_exr(folder: Path, *frames: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for frame in frames:
        light = np.full((SIZE[1], SIZE[0], 3), (0.1 * frame, 3.0, 0.2), "float16")
        header = {"type": OpenEXR.scanlineimage}
        OpenEXR.File(header, {"RGB": light}).write(str(folder / f"{frame:04}.exr"))
