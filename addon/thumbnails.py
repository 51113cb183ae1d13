"""Keeps the thumbnails of jobs' last-rendered frames, as icons that Blender can draw."""

import hashlib
import tempfile
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import bpy.utils.previews

#: The number of jobs that have a thumbnail. Jobs further down the list have none.
MOST = 20

_previews: Any = None
_folder: "tempfile.TemporaryDirectory[str] | None" = None
_known: "dict[str, Known]" = {}


@dataclass(frozen=True)
class Known:
    updated: str
    """The job's `updated` when its thumbnail was last asked for."""
    since: float
    """When the thumbnail was first asked for after that change, by the monotonic clock."""
    name: str = ""
    """The thumbnail's name among the previews; empty: the job has no thumbnail."""
    digest: str = ""
    """SHA-256 of the thumbnail."""


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
    """Return what is known of each job's thumbnail, by job id."""
    return dict(_known)


def put(job_id: str, updated: str, image: bytes) -> None:
    """Keep a job's thumbnail in place of its last one.

    Args:
        updated: the job's `updated`, as the manager gave it.
        image: a JPEG; empty: the job has no thumbnail yet.
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
        # Each image gets a new name, because Blender does not read a file again.
        # The id goes into the digest: the name becomes a file's, and the manager chose the id.
        name = hashlib.sha256(f"{job_id} {digest}".encode()).hexdigest()
        file = Path(_folder.name) / f"{name}.jpg"
        file.write_bytes(image)
        _previews.load(name, str(file), "IMAGE")
    _known[job_id] = Known(updated, since, name, digest)


def icon_of(job_id: str) -> int:
    """Return a value for `icon_value`; 0: the job has no thumbnail."""
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
