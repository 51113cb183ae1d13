"""Asks for my jobs and the farm's status every few seconds, while their panels are drawn."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import bpy

from . import background, preferences, thumbnails
from .core.manager import Manager, ManagerError
from .core.my_jobs import MyJob, Overview, overview, reasons_of, thumbnail
from .session import Reasons, session, told

_EVERY_S = 3.0
#: A list that was drawn within this time counts as visible.
_LOOKED_AT_S = 8.0
_PICTURE_COMES_WITHIN_S = 30.0
_MOST_WITH_REASONS = 20


@dataclass(frozen=True)
class Look:
    seen: Overview
    images: Mapping[str, bytes]
    """Thumbnails by job id, only for jobs whose thumbnail may be new; empty bytes: no thumbnail."""
    reasons: Mapping[str, Reasons]
    """Why tasks failed or wait, and warnings: of ended jobs and of the selected one, by job id."""


def watch() -> None:
    """Start or keep up asking. The panels call this whenever they are drawn."""
    session.drawn_at = time.monotonic()
    if not bpy.app.background and not bpy.app.timers.is_registered(_tick):
        bpy.app.timers.register(_tick, first_interval=0.1, persistent=True)


def stop() -> None:
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)


def look(context: Any) -> bool:
    """Ask once, in the background.

    Returns:
        True if a request was started.
    """
    try:
        manager = preferences.manager_of(context)
    except ManagerError as problem:
        _failed(problem)
        return False
    user, submitted = preferences.user_name_of(context), tuple(session.submitted)
    selected = _selected(context.window_manager)
    known, before = thumbnails.known(), _last_look()
    # Flamenco's managers do not know the reasons.
    reasons = session.reasons if session.info is not None and session.info.is_tablao else None
    return background.run(
        "jobs",
        lambda: _look(manager, user, submitted, known, before, reasons, selected),
        _seen,
        _failed,
    )


def _last_look() -> "Overview | None":
    if session.farm is None:
        return None
    return Overview(session.farm, session.jobs, session.list_due_at)


def _tick() -> "float | None":
    if time.monotonic() - session.drawn_at > _LOOKED_AT_S:
        return None
    # Without info no manager has answered yet, so there is no manager to ask.
    if session.info is not None:
        look(bpy.context)
    return _EVERY_S


def _look(
    manager: Manager,
    user: str,
    submitted: "tuple[str, ...]",
    known: Mapping[str, thumbnails.Known],
    before: "Overview | None",
    reasons: "Mapping[str, Reasons] | None",
    selected: str,
) -> Look:
    seen = overview(manager, user, also=submitted, before=before)
    wanted = [
        job for job in seen.jobs[: thumbnails.MOST] if _may_have_new_picture(job, known.get(job.id))
    ]
    images = {job.id: thumbnail(manager, job.id) or b"" for job in wanted}
    return Look(seen, images, {} if reasons is None else _reasons(manager, seen, reasons, selected))


def _reasons(
    manager: Manager, seen: Overview, known: Mapping[str, Reasons], selected: str
) -> "dict[str, Reasons]":
    found = {}
    for job in seen.jobs[:_MOST_WITH_REASONS]:
        # Reasons of jobs at work change all the time, so only one such job is asked for.
        if job.status not in ("failed", "completed") and job.id != selected:
            continue
        before = known.get(job.id)
        if before is None or before.updated != job.updated or not job.has_ended:
            before = Reasons(job.updated, reasons_of(manager, job.id))
        found[job.id] = before
    return found


def _may_have_new_picture(job: MyJob, known: "thumbnails.Known | None") -> bool:
    if known is None or known.updated != job.updated or not job.has_ended:
        return True
    # The manager makes a thumbnail after its frame, so the last one comes after the job's end.
    return time.monotonic() - known.since < _PICTURE_COMES_WITHIN_S


def _seen(found: Look) -> None:
    session.is_reached = True
    session.jobs, session.farm = found.seen.jobs, found.seen.farm
    session.reasons = found.reasons
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
    """Copy the jobs' ids into the collection that Blender's list shows; keep the selection."""
    manager = bpy.context.window_manager
    rows = manager.tablao_jobs
    names = [job.id for job in session.jobs]
    selected = _selected(manager)
    if session.to_select in names:
        selected, session.to_select = session.to_select, ""
    rows.clear()
    for job in session.jobs:
        rows.add().name = job.id
    manager.tablao_job_index = names.index(selected) if selected in names else 0


def _selected(manager: Any) -> str:
    """Return the id of the selected job; empty if none is."""
    rows, index = manager.tablao_jobs, manager.tablao_job_index
    return str(rows[index].name) if 0 <= index < len(rows) else ""
