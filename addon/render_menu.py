"""Adds the submission to Blender's Render menu, where artists can give it a shortcut."""

from typing import Any

import bpy

from .session import session


def _draw(menu: Any, context: Any) -> None:
    layout = menu.layout
    layout.separator()
    column = layout.column()
    is_known = session.job_type(context.scene.tablao.job_type) is not None
    column.enabled = is_known and session.running is None
    # Operators of a menu are invoked, so that they do not hold up Blender's window.
    column.operator_context = "INVOKE_DEFAULT"
    column.operator("tablao.submit", text="Submit to the Farm", icon="RENDER_ANIMATION")
    column.operator("tablao.submit_several", text="Submit Scenes and Cameras…")


def register() -> None:
    bpy.types.TOPBAR_MT_render.append(_draw)


def unregister() -> None:
    bpy.types.TOPBAR_MT_render.remove(_draw)
