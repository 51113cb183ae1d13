"""Draws my jobs with their progress and last-rendered thumbnails, and the farm's status."""

from datetime import datetime, timezone
from typing import Any

import bpy

from . import job_watch, texts, thumbnails
from .core.my_jobs import MyJob, age_told
from .panels import SubPanel
from .session import session

_ICONS = {
    "active": "PLAY",
    "queued": "TIME",
    "paused": "PAUSE",
    "pause-requested": "PAUSE",
    "completed": "CHECKMARK",
    "failed": "ERROR",
    "canceled": "CANCEL",
    "cancel-requested": "CANCEL",
    "requeueing": "FILE_REFRESH",
    "under-construction": "SORTTIME",
}
_THUMBNAIL_SCALE = 6.0
_MOST_REASONS = 3


class TABLAO_PG_job_row(bpy.types.PropertyGroup):
    """A row of the list. Its name is the job's id; the session has the other facts."""


class TABLAO_UL_jobs(bpy.types.UIList):
    # Blender requires exactly these arguments.
    def draw_item(
        self,
        context: Any,
        layout: Any,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
    ) -> None:
        job = job_of(item.name)
        if job is None:
            return
        row = layout.row(align=True)
        if picture := thumbnails.icon_of(job.id):
            row.label(text=job.name, icon_value=picture)
        else:
            row.label(text=job.name, icon="IMAGE_DATA")
        right = row.row(align=True)
        right.alignment = "RIGHT"
        right.label(text=_progress_told(job), icon=_ICONS.get(job.status, "QUESTION"))
        right.label(text=_age_told(job))


class TABLAO_PT_farm(SubPanel, bpy.types.Panel):
    bl_label = "Farm"

    def draw(self, context: Any) -> None:
        job_watch.watch()
        layout, farm = self.layout, session.farm
        if farm is None:
            layout.label(text="Not asked yet")
            return
        column = layout.column(align=True)
        column.enabled = session.is_reached is True
        workers = f"{farm.workers_awake} of {farm.workers} workers awake"
        column.label(text=f"{farm.status.capitalize()}: {workers}", icon="DESKTOP")
        jobs = "1 job" if farm.jobs_waiting == 1 else f"{farm.jobs_waiting} jobs"
        column.label(text=f"{jobs} rendering or waiting", icon="SEQUENCE")


class TABLAO_PT_jobs(SubPanel, bpy.types.Panel):
    bl_label = "My Jobs"

    def draw(self, context: Any) -> None:
        job_watch.watch()
        layout, manager = self.layout, context.window_manager
        if not session.jobs:
            layout.label(text="None yet: submit this file")
            return
        row = layout.row()
        row.template_list(
            "TABLAO_UL_jobs", "", manager, "tablao_jobs", manager, "tablao_job_index", rows=4
        )
        if job := selected_job(context):
            _draw_actions(row.column(align=True), job)
            _draw_details(layout, context, job)


def job_of(job_id: str) -> "MyJob | None":
    return next((job for job in session.jobs if job.id == job_id), None)


def selected_job(context: Any) -> "MyJob | None":
    manager = context.window_manager
    rows, index = manager.tablao_jobs, manager.tablao_job_index
    return job_of(rows[index].name) if 0 <= index < len(rows) else None


def _age_told(job: MyJob) -> str:
    return age_told(job.created, datetime.now(tz=timezone.utc))


def _progress_told(job: MyJob) -> str:
    if job.tasks_stuck:
        return f"{job.tasks_stuck} stuck"
    if job.status == "active" and job.progress is not None:
        return f"{job.progress:.0%}"
    return job.status.replace("-", " ").capitalize()


def _draw_actions(column: Any, job: MyJob) -> None:
    for operator, icon, is_possible in (
        ("tablao.pause_job", "PAUSE", job.can_pause),
        ("tablao.resume_job", "PLAY", job.can_resume),
        ("tablao.cancel_job", "CANCEL", job.can_cancel),
    ):
        row = column.row(align=True)
        row.enabled = is_possible
        row.operator(operator, text="", icon=icon).job_id = job.id
    column.separator()
    column.operator("tablao.open_dashboard", text="", icon="URL").job_id = job.id


def _draw_details(layout: Any, context: Any, job: MyJob) -> None:
    box = layout.box()
    if picture := thumbnails.icon_of(job.id):
        split = box.split(factor=0.35)
        split.template_icon(icon_value=picture, scale=_THUMBNAIL_SCALE)
        column = split.column(align=True)
        column.separator(factor=4.0)
    else:
        column = box.column(align=True)
    column.label(text=job.name)
    column.label(text=_details_told(job), icon=_ICONS.get(job.status, "QUESTION"))
    if hasattr(column, "progress") and job.progress is not None and not job.has_ended:
        column.progress(text=f"{job.progress:.0%}", factor=job.progress)
    if job.tasks_stuck:
        tasks = "1 task is" if job.tasks_stuck == 1 else f"{job.tasks_stuck} tasks are"
        texts.draw_wrapped(box, context, f"{tasks} stuck: no sign of life", "ERROR")
    if job.waiting:
        texts.draw_wrapped(box, context, job.waiting, "TIME")
    if job.activity_text:
        texts.draw_wrapped(box, context, job.activity_text)
    reasons = session.reasons.get(job.id)
    for line in reasons.lines[:_MOST_REASONS] if reasons else ():
        texts.draw_wrapped(box, context, line)
    buttons = box.row(align=True)
    buttons.enabled = bool(job.render_output_path)
    buttons.operator("tablao.load_frames", icon="IMAGE_DATA").job_id = job.id
    buttons.operator("tablao.add_strip", icon="SEQUENCE").job_id = job.id


def _details_told(job: MyJob) -> str:
    status = job.status.replace("-", " ").capitalize()
    share = "" if job.progress is None or job.status == "completed" else f", {job.progress:.0%}"
    age = _age_told(job)
    since = "" if not age else ", just submitted" if age == "now" else f", submitted {age} ago"
    return f"{status}{share}, priority {job.priority}{since}"


CLASSES = (TABLAO_PG_job_row, TABLAO_UL_jobs, TABLAO_PT_farm, TABLAO_PT_jobs)


def register() -> None:
    bpy.types.WindowManager.tablao_jobs = bpy.props.CollectionProperty(type=TABLAO_PG_job_row)
    bpy.types.WindowManager.tablao_job_index = bpy.props.IntProperty(options={"SKIP_SAVE"})


def unregister() -> None:
    bpy.context.window_manager.tablao_jobs.clear()
    del bpy.types.WindowManager.tablao_jobs
    del bpy.types.WindowManager.tablao_job_index
