"""The values of a job type's settings: those that the artist chose, and those of expressions."""

from collections.abc import Container, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from . import setting_properties
from .core.evaluation import EvaluationFailed, SettingsInUse, namespace_for
from .core.job_types import JobType, Setting
from .core.setting_values import NotAValue, Value


def job_name_of(scene: bpy.types.Scene, said: str = "") -> str:
    """Return the name that a script gave, else the one that the artist typed, else the file's."""
    return said.strip() or str(scene.tablao.job_name).strip() or blendfile_stem()


def blendfile_stem() -> str:
    return Path(bpy.data.filepath).stem if bpy.data.filepath else ""


def blendfile_path() -> "Path | None":
    """Return the open file's path; None if it was never saved."""
    return Path(bpy.data.filepath) if bpy.data.filepath else None


def in_use(
    context: Any,
    scene: bpy.types.Scene,
    job_type: JobType,
    *,
    unchosen: str = "",
    job_name: str = "",
) -> SettingsInUse:
    """Return the values of the scene's settings, which are evaluated when they are read.

    Args:
        unchosen: key of a setting whose expression is used, whatever the artist typed.
        job_name: the job's name in expressions; empty: the panel's.
    """
    chosen = _Chosen(setting_properties.group_of(scene, job_type), job_type, unchosen)
    return SettingsInUse(
        job_type,
        chosen,
        namespace_for(
            job_name_of(scene, job_name),
            blendfile_path(),
            bpy=bpy,
            C=context,
            abspath=bpy.path.abspath,
        ),
        _Linked(chosen),
    )


class _Chosen(Mapping[str, Any]):
    """The values that the artist typed or chose, by key.

    A value is read only when it is asked for. Blender evaluates each value that it draws at each
    movement of the mouse; reading all other values each time would be slow.
    """

    def __init__(self, group: bpy.types.PropertyGroup, job_type: JobType, unchosen: str) -> None:
        self.group = group
        self.unchosen = unchosen
        self._job_type = job_type

    def __getitem__(self, key: str) -> Any:
        setting = self.typed(key)
        if setting is None or key == self.unchosen:
            raise KeyError(key)
        return setting_properties.read(self.group, setting)

    def __iter__(self) -> Iterator[str]:
        return (each.key for each in self._job_type.settings if each.key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def typed(self, key: str) -> "Setting | None":
        """Return the setting if a value can be typed for it, else None."""
        setting = self._job_type.setting(key)
        if setting is None or setting.is_evaluated or not setting.is_editable:
            return None
        return setting


class _Linked(Container[str]):
    """The keys of settings that use their expression instead of a typed value."""

    def __init__(self, chosen: _Chosen) -> None:
        self._chosen = chosen

    def __contains__(self, key: object) -> bool:
        setting = self._chosen.typed(str(key))
        if setting is None:
            return False
        return key == self._chosen.unchosen or setting_properties.is_linked(
            self._chosen.group, setting
        )


def gathered(
    context: Any, scene: bpy.types.Scene, job_type: JobType, job_name: str = ""
) -> "tuple[dict[str, Value], list[Exception]]":
    """Return the settings' values, and the failures of settings that have no value."""
    failures: list[Exception] = []
    settings: dict[str, Value] = {}
    asked = in_use(context, scene, job_type, job_name=job_name)
    for setting in job_type.settings:
        value = _value_or_failure(asked, setting)
        if isinstance(value, Exception):
            failures.append(value)
        else:
            settings[setting.key] = value
    return settings, failures


def _value_or_failure(asked: SettingsInUse, setting: Setting) -> "Value | Exception":
    try:
        return asked.value_of(setting)
    except (EvaluationFailed, NotAValue) as failure:
        return failure


def evaluated(context: Any, scene: bpy.types.Scene, job_type: JobType, setting: Setting) -> Value:
    """Return the value of the setting's expression now, whatever the artist typed.

    Raises:
        EvaluationFailed, NotAValue: the expression gives no value.
    """
    return in_use(context, scene, job_type, unchosen=setting.key).value_of(setting)


def fill_in(context: Any, scene: bpy.types.Scene, job_type: JobType) -> None:
    """Fill in the empty settings that are shown, with the values of their expressions."""
    group = setting_properties.group_of(scene, job_type)
    for setting in job_type.settings:
        is_open = setting.is_shown and setting.is_editable and not setting.has_link
        if setting.eval and is_open and setting_properties.read(group, setting) == "":
            # A setting that cannot be evaluated yet stays empty until the submission.
            with suppress(EvaluationFailed, NotAValue, TypeError, ValueError):
                value = evaluated(context, scene, job_type, setting)
                setting_properties.write(group, setting, value)


def live(scene: bpy.types.Scene, job_type: JobType, setting: Setting) -> Value:
    """Return a read-only setting's value, for drawing; its default if the expression fails."""
    try:
        return in_use(bpy.context, scene, job_type).value_of(setting)
    except (EvaluationFailed, NotAValue):
        return setting.default_value
