"""Named sets of a job type's settings: save, apply, delete."""

from typing import Any

import bpy

from . import setting_properties
from .core.presets import PresetError, delete_preset, load_preset, preset_names, save_preset
from .preferences import presets_folder
from .session import session


def _job_type_name(context: Any) -> str:
    return str(context.scene.tablao.job_type)


class _PresetOperator:
    @classmethod
    def poll(cls, context: Any) -> bool:
        return session.job_type(_job_type_name(context)) is not None

    def execute(self, context: Any) -> "set[str]":
        try:
            self._do(context)
        except PresetError as problem:
            self.report({"ERROR"}, str(problem))  # type: ignore[attr-defined]  # the operator's
            return {"CANCELLED"}
        return {"FINISHED"}

    def _do(self, context: Any) -> None:
        raise NotImplementedError


class TABLAO_OT_save_preset(_PresetOperator, bpy.types.Operator):
    """Save these settings under the name beside this button"""

    bl_idname = "tablao.save_preset"
    bl_label = "Save Preset"

    def _do(self, context: Any) -> None:
        scene = context.scene
        job_type = session.job_type(scene.tablao.job_type)
        assert job_type is not None  # poll
        group = setting_properties.group_of(scene, job_type)
        settings = {
            setting.key: setting_properties.read(group, setting)
            for setting in job_type.settings
            if setting.is_shown
            and setting.is_editable
            and not setting_properties.is_linked(group, setting)
        }
        save_preset(presets_folder(), job_type.name, scene.tablao.preset, settings)


class TABLAO_OT_apply_preset(_PresetOperator, bpy.types.Operator):
    """Use the settings of this preset"""

    bl_idname = "tablao.apply_preset"
    bl_label = "Apply Preset"
    bl_options = {"UNDO"}
    __annotations__ = {"preset": bpy.props.StringProperty()}

    def _do(self, context: Any) -> None:
        scene = context.scene
        job_type = session.job_type(scene.tablao.job_type)
        assert job_type is not None  # poll
        group = setting_properties.group_of(scene, job_type)
        for key, value in load_preset(presets_folder(), job_type, self.preset).items():
            setting = job_type.setting(key)
            if setting is None or not setting.is_editable:
                continue
            setting_properties.write(group, setting, value)
            if setting.has_link:
                setattr(group, setting_properties.link_of(key), False)
        scene.tablao.preset = self.preset


class TABLAO_OT_delete_preset(_PresetOperator, bpy.types.Operator):
    """Delete the preset that is named beside this button"""

    bl_idname = "tablao.delete_preset"
    bl_label = "Delete Preset"

    def _do(self, context: Any) -> None:
        chosen = context.scene.tablao
        delete_preset(presets_folder(), chosen.job_type, chosen.preset)
        chosen.preset = ""


class TABLAO_MT_presets(bpy.types.Menu):
    bl_label = "Presets"

    def draw(self, context: Any) -> None:
        names = preset_names(presets_folder(), _job_type_name(context))
        for name in names:
            self.layout.operator("tablao.apply_preset", text=name).preset = name
        if not names:
            self.layout.label(text="None yet: name these settings and save them")


CLASSES = (
    TABLAO_OT_save_preset,
    TABLAO_OT_apply_preset,
    TABLAO_OT_delete_preset,
    TABLAO_MT_presets,
)
