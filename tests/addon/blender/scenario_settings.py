"""Draws, changes, saves and reloads the property of every kind of setting."""

from pathlib import Path
from typing import Any

import bpy
from changed_settings import CHANGED

JOB_TYPE = "every-setting"


def settings(given: "dict[str, Any]") -> "dict[str, Any]":
    from scenario import drawn

    scene = bpy.context.scene
    scene.tablao.job_type_choice = JOB_TYPE
    found = {"described": _described(), "drawn": drawn(), "first": _values(), "sent": _sent()}
    _change()
    found["clamped"] = _clamped()
    found["changed"], found["changed_sent"] = _values(), _sent()
    scene.tablao.job_type_choice = "echo-sleep-test"
    scene.tablao.job_type_choice = JOB_TYPE
    found["back"] = _values()
    bpy.ops.wm.save_mainfile()
    bpy.ops.wm.open_mainfile(filepath=bpy.data.filepath)
    found["reloaded"] = _values()
    found["presets"] = _presets()
    found["evaluated"] = _evaluated_on_demand()
    found["unlinked"] = _unlinked(drawn)
    found["new_version"] = _new_version()
    bpy.ops.tablao.refresh()
    found["refreshed"] = _values()
    found["folder"] = Path(bpy.data.filepath).parent.name
    return found


def _group() -> Any:
    from tablao.session import session
    from tablao.setting_properties import group_of

    return group_of(bpy.context.scene, session.job_type(JOB_TYPE))


def _settings() -> "tuple[Any, ...]":
    from tablao.session import session

    return tuple(session.job_type(JOB_TYPE).settings)


def _described() -> "dict[str, Any]":
    """Return each setting's property as Blender describes it."""
    from tablao.setting_properties import property_of

    found = {}
    for setting in _settings():
        described = _group().bl_rna.properties[property_of(setting.key)]
        told = {
            name: getattr(described, name) for name in ("type", "subtype", "name", "description")
        }
        if described.type in {"INT", "FLOAT"}:
            for name in ("hard_min", "hard_max", "soft_max", "step", "default"):
                told[name] = getattr(described, name)
        if described.type == "FLOAT":
            told["precision"] = described.precision
        if described.type == "ENUM":
            told["items"] = [item.name for item in described.enum_items]
        found[setting.key] = told
    return found


def _values() -> "dict[str, Any]":
    from tablao.setting_properties import read

    return {setting.key: read(_group(), setting) for setting in _settings()}


def _sent() -> "dict[str, Any]":
    from tablao.session import session
    from tablao.values import gathered

    settings, failures = gathered(bpy.context, bpy.context.scene, session.job_type(JOB_TYPE))
    assert failures == [], failures
    return dict(settings)


def _change() -> None:
    from tablao.setting_properties import write

    for setting in _settings():
        if setting.key in CHANGED:
            write(_group(), setting, CHANGED[setting.key])


def _clamped() -> int:
    from tablao.setting_properties import property_of

    name = property_of("count")
    setattr(_group(), name, 1_000_000)
    clamped = getattr(_group(), name)
    setattr(_group(), name, CHANGED["count"])
    return int(clamped)


def _presets() -> "dict[str, Any]":
    from tablao.setting_properties import write

    chosen = bpy.context.scene.tablao
    chosen.preset = "mañana / 1"
    bpy.ops.tablao.save_preset()
    text = next(each for each in _settings() if each.key == "text")
    write(_group(), text, "something else")
    bpy.ops.tablao.apply_preset(preset="mañana / 1")
    applied = _values()["text"]
    bpy.ops.tablao.delete_preset()
    said = ""
    try:
        bpy.ops.tablao.apply_preset(preset="mañana / 1")
    except RuntimeError as refusal:
        said = str(refusal)
    return {"applied": applied, "said": said}


def _evaluated_on_demand() -> str:
    bpy.ops.tablao.evaluate_setting(key="on_demand")
    return str(_values()["on_demand"])


def _unlinked(drawn: Any) -> "dict[str, Any]":
    from tablao.setting_properties import link_of, write

    linked = next(each for each in _settings() if each.key == "linked")
    setattr(_group(), link_of("linked"), False)
    write(_group(), linked, "7-9")
    found = {"sent": _sent()["linked"], "drawn": drawn()}
    setattr(_group(), link_of("linked"), True)
    return found


def _new_version() -> "dict[str, Any]":
    """Change the job type while the file is open: other choices, and one setting less."""
    from dataclasses import replace

    from tablao import connecting
    from tablao.session import session

    before = session.info
    job_type = session.job_type(JOB_TYPE)
    changed = tuple(
        replace(each, choices=("zero", *reversed(each.choices))) if each.choices else each
        for each in job_type.settings
        if each.key != "file"
    )
    newer = replace(job_type, settings=changed, etag="another")
    others = tuple(each for each in before.job_types if each.name != JOB_TYPE)
    connecting.use(replace(before, job_types=(*others, newer)))
    found = {key: value for key, value in _values().items() if key in CHANGED}
    connecting.use(before)
    found["file"] = _values()["file"]
    return found
