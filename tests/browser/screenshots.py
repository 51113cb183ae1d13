"""Makes docs/screenshots: every view, both themes, three widths, from a farm that really renders.

    python -m tests.browser.screenshots [--only VIEW…]

Needs Blender, Chromium and the built dashboard.
"""

import argparse
import io
import os
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser

from manager_api.cli import blender as blender_of
from manager_api.cli.demo import build_scene
from tests.browser.chromium import TIMEOUT_MS, Problems, chromium
from tests.browser.conftest import log_in, open_view
from tests.browser.farm import BrowsedFarm, described
from tests.browser.views import VIEWS, address_of, settled

FOLDER = Path(__file__).parents[2] / "docs" / "screenshots"
SIZES = {1440: 900, 1024: 768, 390: 844}
THEMES = ("light", "dark")
_FRAMES = "1-24"
_RENDER_S = 900.0
#: In the stand-in's place, where the scene is a real one.
_REAL = """case "$*" in *{scene}*)
  {blender} "$@" || exit
  exit 0;;
esac
"""


class RenderedFarm(BrowsedFarm):
    """The farm of the browser tests, with one job more, whose frames Blender renders."""

    def __init__(self, directory: Path, blender: Path) -> None:
        super().__init__(directory)
        self.scene = directory / "fan.blend"
        head, body = self._blender.split("\n", 1)
        real = _REAL.format(scene=self.scene.name, blender=blender)
        self._blender = f"{head}\n{real}{body}"

    def configure(self, settings: Mapping[str, Any]) -> None:
        """With a shared storage: the hint for new farms is no part of each view."""
        super().configure({**settings, "shared_storage_path": str(self.directory)})

    def populate(self) -> None:
        super().populate()
        about = described("sh030_0010 A fan opens", "Tablao", 0)
        # Beside the stand-in's frames, which have the same names.
        self.out = self.out / "fan"
        job = self.submit_frames(_FRAMES, blend_file=self.scene, priority=60, **about)
        self.until_job_is(job, "completed", timeout_s=_RENDER_S)
        self.standing["completed"] = job


def shoot(browser: Browser, farm: BrowsedFarm, view: str, theme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": SIZES[width]},
        color_scheme="dark" if theme == "dark" else "light",
    )
    context.set_default_timeout(TIMEOUT_MS)
    page = context.new_page()
    problems = Problems(page)
    log_in(page, farm)
    open_view(page, farm.url, address_of(view, farm))
    settled(page)
    picture = page.screenshot(animations="disabled")
    # With so few colours as a page has, a third of the size.
    small = Image.open(io.BytesIO(picture)).convert("RGB").quantize(256)
    small.save(FOLDER / f"{view}-{theme}-{width}.png", optimize=True)
    problems.check()
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("--only", nargs="*", default=list(VIEWS), choices=list(VIEWS))
    views = parser.parse_args().only
    blender = blender_of.find_or_install(os.environ, blender_of.PROJECT / ".venv-bpy")
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "farm"
        scene = build_scene(blender, folder / "fan.blend")
        with RenderedFarm(folder, blender) as farm, chromium() as browser:
            assert farm.scene == scene
            farm.populate()
            for view in views:
                sys.stderr.write(f"{view}\n")
                for theme in THEMES:
                    for width in SIZES:
                        shoot(browser, farm, view, theme, width)


if __name__ == "__main__":
    main()
