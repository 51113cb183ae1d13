"""Draws the panel in the output properties: a job's properties, and the button that submits it."""

from typing import Any

import bpy

from . import devices, setting_properties, texts, values
from .connection_panel import draw_connection, draw_found
from .core.job_types import JobType, Setting
from .preferences import preferences_of
from .session import Running, session


class _OutputPanel:
    bl_space_type = "PROPERTIES"
    bl_region_type = "WINDOW"
    bl_context = "output"


class SubPanel(_OutputPanel):
    """A panel within the one that submits. It is hidden until a manager has answered once."""

    bl_parent_id = "TABLAO_PT_submit"

    @classmethod
    def poll(cls, context: Any) -> bool:
        return session.info is not None


class TABLAO_PT_submit(_OutputPanel, bpy.types.Panel):
    bl_label = "Tablao"

    def draw(self, context: Any) -> None:
        layout, scene = self.layout, context.scene
        draw_connection(layout, context)
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.enabled = session.running is None
        if session.info is None:
            texts.draw_wrapped(
                column,
                context,
                "Set the manager's address in the preferences, or find it on the network.",
            )
            column.operator("tablao.find_managers", icon="VIEWZOOM")
            draw_found(column)
            return
        draw_job(column, scene)
        draw_submit(layout, context)


class TABLAO_PT_options(SubPanel, bpy.types.Panel):
    bl_label = "Options"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: Any) -> None:
        layout, chosen = self.layout, context.scene.tablao
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.enabled = session.running is None
        column = layout.column()
        column.prop(chosen, "worker_tag_choice")
        job_type = session.job_type(chosen.job_type)
        if job_type and not devices.is_declared(job_type):
            column.prop(chosen, "device_choice")
        if session.info is not None and session.info.is_tablao:
            column.prop(chosen, "keeps_frames")
        column.prop(chosen, "project")
        if preferences_of(context).project_finder == "TYPED":
            column.prop(chosen, "project_root")
        column.prop(chosen, "comment")
        _draw_presets(layout, chosen)


def draw_job(layout: Any, scene: Any) -> None:
    chosen = scene.tablao
    if bpy.app.version >= (4, 1, 0):
        layout.prop(chosen, "job_name", placeholder=values.blendfile_stem())
    else:
        layout.prop(chosen, "job_name")
        _draw_file_name(layout, chosen)
    layout.prop(chosen, "job_type_choice")
    if job_type := session.job_type(chosen.job_type):
        draw_settings(layout, scene, job_type)
    layout.prop(chosen, "priority")
    layout.prop(chosen, "is_paused")


def draw_settings(layout: Any, scene: Any, job_type: JobType) -> None:
    group = setting_properties.group_of(scene, job_type)
    column = layout.column()
    for setting in job_type.settings:
        if setting.is_shown:
            _draw_setting(column.row(align=True), group, setting)


def draw_submit(layout: Any, context: Any) -> None:
    if session.running is not None:
        _draw_progress(layout, context, session.running)
        return
    column = layout.column()
    column.scale_y = 1.4
    is_known = session.job_type(context.scene.tablao.job_type) is not None
    column.enabled = is_known
    # Only missing files are left, and the artist may submit without them by the next click.
    is_anyway = {each.code for each in session.findings} == {"missing-files"}
    text = "Submit Without Missing Files" if is_anyway else "Submit to the Farm"
    button = column.operator("tablao.submit", text=text, icon="RENDER_ANIMATION")
    button.allow_missing = is_anyway
    if len(bpy.data.scenes) > 1 or len(bpy.data.cameras) > 1:
        several = layout.row()
        several.enabled = is_known
        several.operator("tablao.submit_several", text="Scenes and Cameras…", icon="SCENE_DATA")
    if session.has_failed and session.findings:
        layout.label(text="Not submitted: see the checks below", icon="ERROR")
    elif session.outcome:
        icon = "ERROR" if session.has_failed else "CHECKMARK"
        texts.draw_wrapped(layout, context, session.outcome, icon)


def _draw_setting(row: Any, group: Any, setting: Setting) -> None:
    name = setting_properties.property_of(setting.key)
    # The mark says that a job needs a value. Otherwise only the manager would say so, later.
    label = f"{setting.label} *" if setting.required else setting.label
    if setting_properties.is_linked(group, setting):
        _draw_pair(row, label, setting.eval_info.description if setting.eval_info else "")
    else:
        row.prop(group, name, text=label)
    if setting.has_link:
        link = setting_properties.link_of(setting.key)
        icon = "LINKED" if getattr(group, link) else "UNLINKED"
        row.prop(group, link, text="", icon=icon, toggle=True)
    elif setting.eval and setting.is_editable:
        row.operator("tablao.evaluate_setting", text="", icon="FILE_REFRESH").key = setting.key


def _draw_pair(layout: Any, label: str, text: str) -> None:
    """Draw a label and a text as Blender aligns a property: the label right, the value left."""
    split = layout.split(factor=0.4, align=True)
    left = split.row()
    left.alignment = "RIGHT"
    left.label(text=label)
    split.label(text=text)


def _draw_file_name(layout: Any, chosen: Any) -> None:
    """Draw the file's name, which an empty job name stands for, below the field.

    Blender before 4.1 cannot show it in the field itself.
    """
    if not chosen.job_name.strip() and (stem := values.blendfile_stem()):
        row = layout.row()
        row.enabled = False
        _draw_pair(row, "", stem)


def _draw_progress(layout: Any, context: Any, running: Running) -> None:
    row = layout.row(align=True)
    row.use_property_split = False
    if hasattr(row, "progress"):
        row.progress(text=running.told, factor=running.share)
    else:
        texts.draw_wrapped(row, context, running.told, "SORTTIME")
    row.operator("tablao.cancel_submission", text="", icon="CANCEL")


def _draw_presets(layout: Any, chosen: Any) -> None:
    row = layout.row(align=True)
    row.menu("TABLAO_MT_presets", text="Presets")
    row.prop(chosen, "preset", text="")
    row.operator("tablao.save_preset", text="", icon="ADD")
    row.operator("tablao.delete_preset", text="", icon="REMOVE")


CLASSES = (TABLAO_PT_submit, TABLAO_PT_options)
