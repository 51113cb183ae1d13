"""“Mend”: changes the scene so that a finding goes."""

from collections.abc import Callable
from typing import Any

import bpy

from . import setting_properties
from .session import session


def _use_every_step(context: Any) -> None:
    scene = context.scene
    job_type = session.job_type(scene.tablao.job_type)
    setting = job_type.setting("frames") if job_type else None
    if job_type is not None and setting is not None:
        group = setting_properties.group_of(scene, job_type)
        frames = f"{scene.frame_start}-{scene.frame_end}x{scene.frame_step}"
        setting_properties.write(group, setting, frames)
        if setting.has_link:
            setattr(group, setting_properties.link_of(setting.key), False)


def _use_full_resolution(context: Any) -> None:
    context.scene.render.resolution_percentage = 100


def _turn_region_off(context: Any) -> None:
    context.scene.render.use_border = False


def _turn_compositor_off(context: Any) -> None:
    context.scene.render.use_compositing = False


def _save_images(_context: Any) -> None:
    bpy.ops.image.save_all_modified()


def _enable_view_layer(context: Any) -> None:
    context.scene.view_layers[0].use = True


def _render_png(context: Any) -> None:
    settings = context.scene.render.image_settings
    if hasattr(settings, "media_type"):  # since Blender 5
        settings.media_type = "IMAGE"
    settings.file_format = "PNG"


#: By a finding's code: the text of the button, and what it does to the window's scene.
MENDS: "dict[str, tuple[str, Callable[[Any], None]]]" = {
    "frame-step": ("Only Those Frames", _use_every_step),
    "resolution-scaled": ("Set to 100 %", _use_full_resolution),
    "render-region": ("Turn Region Off", _turn_region_off),
    "no-composite": ("Turn Compositor Off", _turn_compositor_off),
    "unsaved-images": ("Save All Images", _save_images),
    "no-view-layer": ("Enable the First", _enable_view_layer),
    "video-format": ("Use PNG", _render_png),
}


class TABLAO_OT_mend(bpy.types.Operator):
    """Change the scene so that this is right, and check again"""

    bl_idname = "tablao.mend"
    bl_label = "Mend"
    bl_options = {"UNDO", "INTERNAL"}
    __annotations__ = {"code": bpy.props.StringProperty()}

    def execute(self, context: Any) -> "set[str]":
        if self.code not in MENDS:
            self.report({"ERROR"}, "This cannot be mended by a button")
            return {"CANCELLED"}
        try:
            MENDS[self.code][1](context)
        except (RuntimeError, TypeError, ValueError) as problem:
            self.report({"ERROR"}, str(problem).strip())
            return {"CANCELLED"}
        bpy.ops.tablao.check()
        return {"FINISHED"}


CLASSES = (TABLAO_OT_mend,)
