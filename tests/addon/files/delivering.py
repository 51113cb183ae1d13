"""Delivers files in this process, as a pipeline does."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from addon.core.files import Delivered, Route, deliver
from addon.core.manager import Manager
from addon.core.manager_info import SharedStorage


@dataclass
class Watcher:
    """What was told of the progress; cancels when a step begins with `cancel_at`."""

    cancel_at: str = "never"
    steps: list[tuple[str, int, int]] = field(default_factory=list)
    _canceled: threading.Event = field(default_factory=threading.Event)

    def progress(self, step: str, done: int, total: int) -> None:
        self.steps.append((step, done, total))
        if step.startswith(self.cancel_at):
            self._canceled.set()

    def is_canceled(self) -> bool:
        return self._canceled.is_set()


def storage_at(location: Path | str, *, shaman: bool = False) -> SharedStorage:
    return SharedStorage(str(location), shaman, "users", "linux")


def delivered(
    route: Route,
    blendfile: Path,
    location: Path,
    *,
    manager: str = "http://127.0.0.1:1",
    project_root: Path | None = None,
    job_name: str = "shot 1",
    watcher: Watcher | None = None,
    is_canceled: Callable[[], bool] | None = None,
    cache: Path | None = None,
) -> Delivered:
    watcher = watcher or Watcher()
    return deliver(
        route,
        manager=Manager(manager),
        storage=storage_at(location, shaman=route is Route.SHAMAN),
        blendfile=blendfile,
        project_root=project_root or blendfile.parent,
        job_name=job_name,
        progress=watcher.progress,
        is_canceled=is_canceled or watcher.is_canceled,
        cache_folder=cache or location.parent / "cache",
    )


def files_in(folder: Path) -> list[str]:
    """All of them, below it."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path.relative_to(folder).as_posix() for path in found)
