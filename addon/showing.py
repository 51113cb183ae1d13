"""“Show Me”: leads to the place where the artist can fix what a check found."""

from typing import Any

import bpy

from . import connecting
from .session import session


class TABLAO_OT_show(bpy.types.Operator):
    """Go to the place where you can fix this"""

    bl_idname = "tablao.show"
    bl_label = "Show Me"
    bl_options = {"INTERNAL"}
    __annotations__ = {"what": bpy.props.StringProperty()}

    def execute(self, context: Any) -> "set[str]":
        if self.what == "refresh":
            connecting.refresh(context)
        elif self.what == "save":
            bpy.ops.wm.save_as_mainfile("INVOKE_DEFAULT")
        elif self.what == "preferences":
            _show_preferences(context)
        elif self.what == "missing-files":
            bpy.ops.tablao.missing_files("INVOKE_DEFAULT")
        elif context.space_data is not None:
            # `what` is a tab of the properties editor, in which this button is.
            context.space_data.context = self.what
        return {"FINISHED"}


class TABLAO_OT_missing_files(bpy.types.Operator):
    """List all missing files, and offer Blender's own search for them"""

    bl_idname = "tablao.missing_files"
    bl_label = "Missing Files"
    bl_options = {"INTERNAL"}

    def invoke(self, context: Any, event: Any) -> Any:
        return context.window_manager.invoke_popup(self, width=600)

    def draw(self, context: Any) -> None:
        layout = self.layout
        layout.label(text="Missing Files", icon="ERROR")
        column = layout.column(align=True)
        for finding in session.findings:
            if finding.code == "missing-files":
                for each in finding.show:
                    column.label(text=each, icon="DOT")
        layout.operator("file.find_missing_files", icon="VIEWZOOM")

    def execute(self, context: Any) -> "set[str]":
        return {"FINISHED"}


def _show_preferences(context: Any) -> None:
    bpy.ops.preferences.addon_show(module=__package__)


CLASSES = (TABLAO_OT_show, TABLAO_OT_missing_files)
