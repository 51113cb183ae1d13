"""My jobs and the farm, asked every few seconds while somebody looks at them."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from . import background, preferences, thumbnails
from .core.manager import Manager, ManagerError
from .core.my_jobs import MyJob, Overview, overview, thumbnail
from .session import session, told

_EVERY_S = 3.0
#: Who has drawn the list within this time looks at it.
_LOOKED_AT_S = 8.0
_PICTURE_COMES_WITHIN_S = 30.0


@dataclass(frozen=True)
class Look:
    seen: Overview
    images: Mapping[str, bytes]
    """By job; only of jobs that may have another one than at the last look."""


def watch() -> None:
    """To be called whenever the list is drawn."""
    session.drawn_at = time.monotonic()
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.1, persistent=True)


def stop() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def look(context: Any) -> bool:
    """Ask once, in the background.

    Returns:
        Whether that was begun.
    """
    try:
        manager = preferences.manager_of(context)
    except ManagerError as problem:
        _failed(problem)
        return False
    user, submitted = preferences.user_name_of(context), tuple(session.submitted)
    known, before = thumbnails.known(), _last_look()
    return background.run(
        "jobs", lambda: _look(manager, user, submitted, known, before), _seen, _failed
    )


def _last_look() -> "Overview | None":
    if session.farm is None:
        return None
    return Overview(session.farm, session.jobs, session.list_due_at)


def _tick() -> "float | None":
    if time.monotonic() - session.drawn_at > _LOOKED_AT_S:
        return None
    # Nobody asks a manager on behalf of an artist who has not yet said which one it is.
    if session.info is not None:
        look(bpy.context)
    return _EVERY_S


def _look(
    manager: Manager,
    user: str,
    submitted: "tuple[str, ...]",
    known: Mapping[str, thumbnails.Known],
    before: "Overview | None",
) -> Look:
    seen = overview(manager, user, also=submitted, before=before)
    wanted = [
        job for job in seen.jobs[: thumbnails.MOST] if _may_have_new_picture(job, known.get(job.id))
    ]
    return Look(seen, {job.id: thumbnail(manager, job.id) or b"" for job in wanted})


def _may_have_new_picture(job: MyJob, known: "thumbnails.Known | None") -> bool:
    if known is None or known.updated != job.updated or not job.has_ended:
        return True
    # A picture is made after its frame, so the last one comes when the job has ended already.
    return time.monotonic() - known.since < _PICTURE_COMES_WITHIN_S


def _seen(found: Look) -> None:
    session.is_reached = True
    session.jobs, session.farm = found.seen.jobs, found.seen.farm
    session.list_due_at = found.seen.list_due_at
    updated = {job.id: job.updated for job in found.seen.jobs}
    for job_id, image in found.images.items():
        thumbnails.put(job_id, updated[job_id], image)
    thumbnails.keep_only(updated)
    fill_list()


def _failed(problem: Exception) -> None:
    session.is_reached = False
    session.message = told(problem)


def fill_list() -> None:
    """What Blender's list shows: it wants a collection of its own kind."""
    manager = bpy.context.window_manager
    rows = manager.tablao_jobs
    selected = rows[manager.tablao_job_index].name if _has_selected(manager) else ""
    rows.clear()
    for job in session.jobs:
        rows.add().name = job.id
    names = [job.id for job in session.jobs]
    manager.tablao_job_index = names.index(selected) if selected in names else 0


def _has_selected(manager: Any) -> bool:
    return bool(0 <= manager.tablao_job_index < len(manager.tablao_jobs))
