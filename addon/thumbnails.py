"""Small pictures of what jobs rendered last, as icons that Blender can draw."""

import hashlib
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy.utils.previews

#: More are not asked for; who scrolls further sees the status only.
MOST = 20

_previews: Any = None
_folder: "tempfile.TemporaryDirectory[str] | None" = None
_known: "dict[str, Known]" = {}


@dataclass(frozen=True)
class Known:
    updated: str
    """When the job had last changed as its picture was asked for."""
    since: float
    """When it was first asked for after that change, by the monotonic clock."""
    name: str = ""
    """Of the picture; empty: there is none."""
    digest: str = ""


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


def known() -> Mapping[str, Known]:
    """By job."""
    return dict(_known)


def put(job_id: str, updated: str, image: bytes) -> None:
    """
    Args:
        image: JPEG; empty: there is none yet.
    """
    if _previews is None or _folder is None:
        return
    before, digest = _known.get(job_id), hashlib.sha256(image).hexdigest()
    is_same = before is not None and before.updated == updated
    since = before.since if before is not None and is_same else time.monotonic()
    if before is not None and before.digest == digest:
        _known[job_id] = replace(before, updated=updated, since=since)
        return
    _drop(job_id)
    name = ""
    if image:
        # A new name for each: Blender keeps what it once read.
        # A digest of the id, too: the name is a file's, and the id the manager's.
        name = hashlib.sha256(f"{job_id} {digest}".encode()).hexdigest()
        file = Path(_folder.name) / f"{name}.jpg"
        file.write_bytes(image)
        _previews.load(name, str(file), "IMAGE")
    _known[job_id] = Known(updated, since, name, digest)


def icon_of(job_id: str) -> int:
    """For `icon_value`; 0: there is no picture."""
    there = _known.get(job_id)
    return int(_previews[there.name].icon_id) if there and there.name else 0


def keep_only(job_ids: Collection[str]) -> None:
    for job_id in [each for each in _known if each not in job_ids]:
        _drop(job_id)


def _drop(job_id: str) -> None:
    there = _known.pop(job_id, None)
    if there and there.name and _folder is not None:
        del _previews[there.name]
        (Path(_folder.name) / f"{there.name}.jpg").unlink(missing_ok=True)
