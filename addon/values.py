"""The values of a job type's settings: what the artist chose, and what expressions give."""

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
    """What a script said, else what the artist typed, else the file's name."""
    return said.strip() or str(scene.tablao.job_name).strip() or blendfile_stem()


def blendfile_stem() -> str:
    return Path(bpy.data.filepath).stem if bpy.data.filepath else ""


def blendfile_path() -> "Path | None":
    """None: never saved."""
    return Path(bpy.data.filepath) if bpy.data.filepath else None


def in_use(
    context: Any,
    scene: bpy.types.Scene,
    job_type: JobType,
    *,
    unchosen: str = "",
    job_name: str = "",
) -> SettingsInUse:
    """
    Args:
        job_name: for expressions; empty: the panel's.
        unchosen: key of the setting for which its expression counts, whatever was typed.
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
    """What the artist typed or chose, by key.

    Read when somebody asks for it: each value that Blender draws is found out anew, and would
    otherwise read all others, at each movement of the mouse.
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
        """The setting, if a value can be typed for it."""
        setting = self._job_type.setting(key)
        if setting is None or setting.is_evaluated or not setting.is_editable:
            return None
        return setting


class _Linked(Container[str]):
    """Keys of settings whose expression counts."""

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
    """Every setting's value, and why others have none."""
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
    """What its expression gives now, whatever was typed.

    Raises:
        EvaluationFailed, NotAValue: it gives nothing.
    """
    return in_use(context, scene, job_type, unchosen=setting.key).value_of(setting)


def fill_in(context: Any, scene: bpy.types.Scene, job_type: JobType) -> None:
    """Give shown settings that are empty what their expressions give."""
    group = setting_properties.group_of(scene, job_type)
    for setting in job_type.settings:
        is_open = setting.is_shown and setting.is_editable and not setting.has_link
        if setting.eval and is_open and setting_properties.read(group, setting) == "":
            # What cannot be found out yet stays empty, and is found out at submission.
            with suppress(EvaluationFailed, NotAValue, TypeError, ValueError):
                value = evaluated(context, scene, job_type, setting)
                setting_properties.write(group, setting, value)


def live(scene: bpy.types.Scene, job_type: JobType, setting: Setting) -> Value:
    """A read-only setting's value, whenever Blender draws it. Never raises."""
    try:
        return in_use(bpy.context, scene, job_type).value_of(setting)
    except (EvaluationFailed, NotAValue):
        return setting.default_value
