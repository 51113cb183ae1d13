"""Small pictures of what jobs rendered last, as icons that Blender can draw."""

import tempfile
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import bpy.utils.previews

#: More are not asked for; who scrolls further sees the status only.
MOST = 20

_previews: Any = None
_folder: "tempfile.TemporaryDirectory[str] | None" = None
#: When the job had last changed as its picture was asked for, and the picture's name.
_known: dict[str, tuple[str, str]] = {}


def register() -> None:
    global _previews, _folder
    _previews = bpy.utils.previews.new()
    _folder = tempfile.TemporaryDirectory(prefix="tablao-thumbnails-")


def unregister() -> None:
    global _previews, _folder
    _known.clear()
    if _previews is not None:
        bpy.utils.previews.remove(_previews)
    if _folder is not None:
        _folder.cleanup()
    _previews = _folder = None


def known() -> Mapping[str, str]:
    """When each job had last changed as its picture was asked for."""
    return {job_id: updated for job_id, (updated, _) in _known.items()}


def put(job_id: str, updated: str, image: bytes) -> None:
    """
    Args:
        image: JPEG; empty: there is none yet.
    """
    if _previews is None or _folder is None:
        return
    _drop(job_id)
    name = ""
    if image:
        # A new name each time: Blender keeps what it once read.
        name = f"{job_id}-{abs(hash((updated, image))):x}"
        file = Path(_folder.name) / f"{name}.jpg"
        file.write_bytes(image)
        if name not in _previews:
            _previews.load(name, str(file), "IMAGE")
    _known[job_id] = (updated, name)


def icon_of(job_id: str) -> int:
    """For `icon_value`; 0: there is no picture."""
    _, name = _known.get(job_id, ("", ""))
    return int(_previews[name].icon_id) if name and _previews is not None else 0


def keep_only(job_ids: Collection[str]) -> None:
    for job_id in [each for each in _known if each not in job_ids]:
        _drop(job_id)


def _drop(job_id: str) -> None:
    _, name = _known.pop(job_id, ("", ""))
    if name and _previews is not None and _folder is not None:
        del _previews[name]
        (Path(_folder.name) / f"{name}.jpg").unlink(missing_ok=True)
