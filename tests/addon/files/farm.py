"""A farm of real processes, whose worker can read only the shared storage."""

import subprocess
from pathlib import Path
from typing import Any

from tests.addon.blender.render_farm import RenderFarm
from tests.farm.processes import FarmProcesses


class FilesFarm(RenderFarm):
    """A farm with Shaman. The worker's user has an empty home folder, which is not the artist's."""

    def configure(self, settings: Any) -> None:
        storage = {"shared_storage_path": str(self.storage), "shaman": {"enabled": True}}
        FarmProcesses.configure(self, {**settings, **storage})

    def _start(self, name: str, module: str, *arguments: str) -> "subprocess.Popen[bytes]":
        home = self.directory / "home of the worker"
        home.mkdir(exist_ok=True)
        self._settings["HOME"] = str(home)
        return super()._start(name, module, *arguments)

    @property
    def location(self) -> Path:
        """As the manager tells the add-on."""
        path = "/api/v3/configuration/shared-storage/users/linux"
        return Path(self.http.get(path).json()["location"])

    def render(self, blendfile: str, checkout: str, frames: str, out: Path) -> str:
        """Submit a job that renders the delivered file, and return its id."""
        settings = {
            "frames": frames,
            "chunk_size": 100,
            "render_output_root": str(out),
            "add_path_components": 0,
            "render_output_path": str(out / "######"),
            "blendfile": blendfile,
            "fps": 0,  # no preview video
            "format": "PNG",
            "image_file_extension": ".png",
            "scene": "",
        }
        more: dict[str, Any] = {"storage": {"shaman_checkout_id": checkout}} if checkout else {}
        return self.submit("simple-blender-render", settings, **more)
