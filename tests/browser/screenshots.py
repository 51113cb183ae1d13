"""Takes pictures of every view, in both themes and three widths, of a farm that really renders.

    python -m tests.browser.screenshots [--only VIEW…] [--into FOLDER]

Without `--into` it makes docs/screenshots, which has the views that the pages show. It needs
Blender, Chromium and the built dashboard.
"""

import argparse
import io
import os
import re
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, StorageState

from manager_api.cli import blender as blender_of
from manager_api.cli.demo import build_scene
from tests.browser.chromium import TIMEOUT_MS, Problems, chromium
from tests.browser.farm import BrowsedFarm
from tests.browser.pictured_farm import PicturedFarm
from tests.browser.views import VIEWS, Caller, log_in_as, show
from tests.manager.notifications.receivers import WebhookReceiver

_PROJECT = Path(__file__).parents[2]
FOLDER = _PROJECT / "docs" / "screenshots"
SIZES = {1440: 900, 1024: 768, 390: 844}
THEMES = ("light", "dark")
_PICTURE = re.compile(r"screenshots/([a-z-]+-(?:light|dark)-\d+)\.png")


class Camera:
    """Takes pictures of a farm's views, with one login of each caller."""

    def __init__(self, browser: Browser, farm: BrowsedFarm) -> None:
        self._browser = browser
        self._farm = farm
        self._sessions: dict[Caller, StorageState] = {"admin": self._log_in("admin")}
        self._sessions["person"] = self._log_in("person")

    def _log_in(self, caller: Caller) -> StorageState:
        context = self._browser.new_context()
        log_in_as(caller, context.new_page(), self._farm)
        session = context.storage_state()
        context.close()
        return session

    def shoot(self, view: str, theme: str, width: int, file: Path) -> None:
        context = self._browser.new_context(
            storage_state=self._sessions.get(VIEWS[view].caller),
            viewport={"width": width, "height": SIZES[width]},
            color_scheme="dark" if theme == "dark" else "light",
        )
        context.set_default_timeout(TIMEOUT_MS)
        page = context.new_page()
        problems = Problems(page)
        show(page, self._farm, view, problems)
        picture = page.screenshot(animations="disabled")
        # A palette would change the colours of small signs.
        Image.open(io.BytesIO(picture)).convert("RGB").save(file, optimize=True)
        problems.check()
        context.close()


def shown_in_pages() -> set[str]:
    """The names of the pictures that a page of the documentation shows."""
    pages = [_PROJECT / "README.md", *(_PROJECT / "docs").glob("*.md")]
    return {name for page in pages for name in _PICTURE.findall(page.read_text("utf-8"))}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots")
    parser.add_argument("--only", nargs="*", default=list(VIEWS), choices=list(VIEWS))
    parser.add_argument("--into", type=Path)
    options = parser.parse_args()
    folder: Path = options.into or FOLDER
    folder.mkdir(exist_ok=True, parents=True)
    every = {
        f"{view}-{theme}-{width}": (view, theme, width)
        for view in options.only
        for theme in THEMES
        for width in SIZES
    }
    wanted = set(every) if options.into else shown_in_pages()
    blender = blender_of.find_or_install(os.environ, blender_of.PROJECT / ".venv-bpy")
    with tempfile.TemporaryDirectory() as name, WebhookReceiver() as receiver:
        farm_folder = Path(name) / "farm"
        build_scene(blender, farm_folder / "fan.blend")
        with PicturedFarm(farm_folder, blender) as farm:
            farm.populate()
            farm.add_webhook(receiver.url)
            with chromium() as browser:
                camera = Camera(browser, farm)
                for picture, (view, theme, width) in every.items():
                    if picture in wanted:
                        sys.stderr.write(f"{picture}\n")
                        camera.shoot(view, theme, width, folder / f"{picture}.png")


if __name__ == "__main__":
    main()
