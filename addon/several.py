"""Submits several jobs of the open file at once: one for each ticked scene and camera."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import bpy

from . import values
from .core.batch import Result, same_outputs
from .core.checks import Finding, NotSubmittable
from .core.submission import Submission
from .planning import submission_of
from .targets import Target, targets_of_file

#: The metadata that all jobs of one submission have in common.
BATCH = "batch"
_ROWS_IN_COLUMN = 24


class TABLAO_PG_target(bpy.types.PropertyGroup):
    """A row of the list: a job that can be submitted."""

    __annotations__ = {
        "scene": bpy.props.StringProperty(),
        "camera": bpy.props.StringProperty(),
        "is_ticked": bpy.props.BoolProperty(name="", description="Submit a job for it"),
    }


class TABLAO_OT_list_targets(bpy.types.Operator):
    """List the file's scenes and cameras. All scenes are ticked; of a single one, its cameras"""

    bl_idname = "tablao.list_targets"
    bl_label = "List Scenes and Cameras"
    bl_options = {"INTERNAL"}

    def execute(self, context: Any) -> "set[str]":
        rows = context.window_manager.tablao_targets
        rows.clear()
        found = targets_of_file()
        ticks_cameras = len(bpy.data.scenes) == 1 and len(found) > 1
        for target in found:
            row = rows.add()
            row.name, row.scene, row.camera = target.scene, target.scene, target.camera
            row.is_ticked = bool(target.camera) == ticks_cameras
        return {"FINISHED"}


class TABLAO_OT_submit_several(bpy.types.Operator):
    """Submit a job for each scene and camera that you tick, with the choices of this panel"""

    bl_idname = "tablao.submit_several"
    bl_label = "Submit Scenes and Cameras"

    def invoke(self, context: Any, event: Any) -> Any:
        bpy.ops.tablao.list_targets()
        return context.window_manager.invoke_props_dialog(self, width=420)

    def draw(self, context: Any) -> None:
        layout, rows = self.layout, context.window_manager.tablao_targets
        layout.label(text="One job for each tick, with the choices of the panel:")
        # Not a list of Blender's: in a dialog, Blender 3.4 can crash when it draws one.
        flow = layout.column_flow(columns=1 + len(rows) // _ROWS_IN_COLUMN)
        for row in rows:
            _draw_row(flow.row(align=True), row)

    def execute(self, context: Any) -> "set[str]":
        how = "EXEC_DEFAULT" if bpy.app.background else "INVOKE_DEFAULT"
        bpy.ops.tablao.submit(how, is_several=True)
        return {"FINISHED"}


def _draw_row(layout: Any, row: Any) -> None:
    if row.camera:
        layout.separator(factor=4.0)
    layout.prop(row, "is_ticked", text="")
    if row.camera:
        layout.label(text=row.camera, icon="OUTLINER_OB_CAMERA")
    else:
        layout.label(text=f"{row.scene}, as it is set up", icon="SCENE_DATA")


def ticked(context: Any) -> "list[Target]":
    rows = context.window_manager.tablao_targets
    return [Target(row.scene, row.camera) for row in rows if row.is_ticked]


def submissions_of(context: Any, targets: Sequence[Target], job_name: str) -> "list[Submission]":
    """Make a submission for each target.

    Raises:
        NotSubmittable: something is wrong with one of them, so none is to be submitted.
    """
    if not targets:
        raise NotSubmittable([Finding("nothing-ticked", "Nothing is ticked", "Tick a scene")])
    base = values.job_name_of(context.scene, job_name)
    batch = f"{base} {datetime.now().astimezone():%Y-%m-%d %H:%M:%S}"
    made, found = [], []
    for target in targets:
        name = target.name_of_job(base)
        try:
            metadata = {BATCH: batch, **target.metadata}
            made.append(submission_of(context, name, target, metadata))
        except NotSubmittable as refusal:
            is_here = target.scene == context.scene.name
            told_of = [each if is_here else _of_another(each, target) for each in refusal.findings]
            found += [each for each in told_of if each not in found]
    found += same_outputs(made)
    if found:
        raise NotSubmittable(found)
    return made


def _of_another(finding: Finding, target: Target) -> Finding:
    """Return a finding without the buttons, which change or show the window's scene."""
    of = "" if target.scene in finding.sentence else f"{target.scene}: "
    return replace(finding, code="in-another-scene", sentence=f"{of}{finding.sentence}")


def told(results: Sequence[Result]) -> str:
    """Return a sentence that says how many jobs were submitted, and why others were not."""
    failed = [f"{each.name}: {each.problem}" for each in results if each.job is None]
    if not failed:
        return f"Submitted {len(results)} jobs" if len(results) > 1 else "Submitted 1 job"
    done = len(results) - len(failed)
    return f"Submitted {done} of {len(results)} jobs. Not submitted: {'; '.join(failed)}"


CLASSES = (TABLAO_PG_target, TABLAO_OT_list_targets, TABLAO_OT_submit_several)


def register() -> None:
    bpy.types.WindowManager.tablao_targets = bpy.props.CollectionProperty(type=TABLAO_PG_target)


def unregister() -> None:
    bpy.context.window_manager.tablao_targets.clear()
    del bpy.types.WindowManager.tablao_targets
