"""A job type's settings as native Blender properties, one property group for each job type.

The scene has the group under a name that depends only on the job type's name. So values survive
saving, a change of the job type and back, and a new version of the job type. Values of a group that
is not registered stay in the file unchanged.
"""

import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import bpy

from .core.job_types import JobType, Setting, SettingType

#: Returns the value of a job type's read-only setting; called whenever Blender draws it.
Live = Callable[[bpy.types.Scene, JobType, Setting], Any]

_LONGEST_NAME = 60
_SUBTYPES = {
    SettingType.STRING: {"FILE_PATH", "DIR_PATH", "FILE_NAME", "BYTE_STRING", "PASSWORD"},
    SettingType.INT32: {"PIXEL", "UNSIGNED", "PERCENTAGE", "FACTOR", "ANGLE", "TIME", "DISTANCE"},
    SettingType.FLOAT: {
        *("PIXEL", "UNSIGNED", "PERCENTAGE", "FACTOR", "ANGLE", "TIME", "DISTANCE"),
        *("TIME_ABSOLUTE", "DISTANCE_CAMERA", "POWER", "TEMPERATURE", "WAVELENGTH"),
    },
    SettingType.BOOL: set(),
}
_UNITS = {
    *("NONE", "LENGTH", "AREA", "VOLUME", "ROTATION", "TIME", "TIME_ABSOLUTE", "VELOCITY"),
    *("ACCELERATION", "MASS", "CAMERA", "POWER", "TEMPERATURE", "WAVELENGTH"),
}
_INT32 = (-(2**31), 2**31 - 1)
_FLOAT32 = (-3.4e38, 3.4e38)

_classes: dict[str, tuple[JobType, type]] = {}


def register(job_types: "tuple[JobType, ...]", live: Live) -> None:
    """Register properties for these job types, and remove those of all others."""
    wanted = {attribute_of(job_type.name): job_type for job_type in job_types}
    for name in [name for name in _classes if wanted.get(name) != _classes[name][0]]:
        _unregister(name)
    for name, job_type in wanted.items():
        if name not in _classes:
            made = _group_class(name, job_type, live)
            bpy.utils.register_class(made)
            setattr(bpy.types.Scene, name, bpy.props.PointerProperty(type=made))
            _classes[name] = (job_type, made)


def unregister() -> None:
    for name in list(_classes):
        _unregister(name)


def group_of(scene: bpy.types.Scene, job_type: JobType) -> bpy.types.PropertyGroup:
    """Return the values of the job type's settings in a scene."""
    return getattr(scene, attribute_of(job_type.name))


def attribute_of(job_type_name: str) -> str:
    return _identifier("tablao_job", job_type_name)


def property_of(key: str) -> str:
    return _identifier("value", key)


def link_of(key: str) -> str:
    """Return the name of the property that says whether a setting follows its expression."""
    return _identifier("link", key)


def choice_number(choice: str) -> int:
    """Return a number that depends only on the choice, not on its place in the list.

    A file stores this number as the enumeration's value.
    """
    return zlib.crc32(choice.encode()) & 0x7FFFFFFF


def choice_identifier(choice: str) -> str:
    # Blender shows an item with an empty identifier as a heading, which cannot be chosen.
    return choice or "-"


def read(group: bpy.types.PropertyGroup, setting: Setting) -> Any:
    """Return the setting's value as the manager knows it."""
    value = getattr(group, property_of(setting.key))
    if _is_choice(setting):
        return next(
            (choice for choice in setting.choices if choice_identifier(choice) == value), ""
        )
    return value


def write(group: bpy.types.PropertyGroup, setting: Setting, value: Any) -> None:
    """Set the setting's value, given as the manager knows it.

    Raises:
        ValueError, TypeError: the property cannot have this value.
    """
    if _is_choice(setting):
        if value not in setting.choices:
            raise ValueError(f"{value!r} is none of {', '.join(setting.choices)}")
        value = choice_identifier(value)
    setattr(group, property_of(setting.key), value)


def is_linked(group: bpy.types.PropertyGroup, setting: Setting) -> bool:
    return setting.has_link and bool(getattr(group, link_of(setting.key)))


def _is_choice(setting: Setting) -> bool:
    return bool(setting.choices) and setting.type is SettingType.STRING and setting.is_editable


def _identifier(prefix: str, text: str) -> str:
    """Make a Python name of any text: always the same, and a different one for each text."""
    plain = re.sub(r"\W", "_", text, flags=re.ASCII)
    name = f"{prefix}_{plain}"
    if plain == text and len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9]}_{zlib.crc32(text.encode()):08x}"


def _unregister(name: str) -> None:
    _, made = _classes.pop(name)
    delattr(bpy.types.Scene, name)
    bpy.utils.unregister_class(made)


def _group_class(name: str, job_type: JobType, live: Live) -> type:
    annotations: dict[str, Any] = {}
    for setting in job_type.settings:
        annotations[property_of(setting.key)] = _property(job_type, setting, live)
        if setting.has_link:
            annotations[link_of(setting.key)] = bpy.props.BoolProperty(
                name=f"Follow: {setting.label}",
                description=setting.eval_info.description if setting.eval_info else "",
                default=True,
                options=set(),
            )
    # Blender limits the names of classes to 63 characters, and `name` may be almost as long.
    class_name = f"TABLAO_PG_job_{zlib.crc32(name.encode()):08x}"
    return type(class_name, (bpy.types.PropertyGroup,), {"__annotations__": annotations})


def _property(job_type: JobType, setting: Setting, live: Live) -> Any:
    arguments: dict[str, Any] = {
        "name": setting.label,
        "description": setting.description,
        "options": set(),
    }
    if not setting.is_editable:
        arguments["get"] = lambda group: live(group.id_data, job_type, setting)
    if _is_choice(setting):
        return _choice(setting, arguments)
    if setting.is_editable:
        arguments["default"] = setting.default_value
    return _PROPERTIES[setting.type](setting, arguments)


def _choice(setting: Setting, arguments: dict[str, Any]) -> Any:
    choices = dict.fromkeys(setting.choices)
    items = [(choice_identifier(each), each or "-", "", choice_number(each)) for each in choices]
    default = setting.default_value if setting.default_value in choices else setting.choices[0]
    return bpy.props.EnumProperty(
        items=items, default=choice_identifier(default), **_plain(setting, arguments)
    )


def _text(setting: Setting, arguments: dict[str, Any]) -> Any:
    subtype = {"HASHED_FILE_PATH": "FILE_PATH"}.get(
        setting.subtype.upper(), setting.subtype.upper()
    )
    if subtype in _SUBTYPES[SettingType.STRING]:
        arguments["subtype"] = subtype
        if subtype in {"FILE_PATH", "DIR_PATH"} and bpy.app.version >= (4, 5, 0):
            arguments["options"] = {"PATH_SUPPORTS_BLEND_RELATIVE"}
    if maxlen := _numbers(setting.propargs, ("maxlen",), int):
        arguments["maxlen"] = max(0, maxlen["maxlen"])
    return bpy.props.StringProperty(**_plain(setting, arguments))


def _whole_number(setting: Setting, arguments: dict[str, Any]) -> Any:
    arguments |= _numbers(setting.propargs, ("min", "max", "soft_min", "soft_max", "step"), int)
    low, high = arguments.get("min", _INT32[0]), arguments.get("max", _INT32[1])
    if "default" in arguments:
        arguments["default"] = max(low, min(high, arguments["default"]))
    return bpy.props.IntProperty(**_plain(setting, arguments))


def _number(setting: Setting, arguments: dict[str, Any]) -> Any:
    limits = ("min", "max", "soft_min", "soft_max", "step")
    arguments |= _numbers(setting.propargs, limits, float)
    arguments |= _numbers(setting.propargs, ("precision",), int)
    if isinstance(unit := setting.propargs.get("unit"), str) and unit in _UNITS:
        arguments["unit"] = unit
    if "step" in arguments:
        # Blender wants the step in hundredths, as a whole number.
        arguments["step"] = int(max(1, min(_INT32[1], arguments["step"])))
    return bpy.props.FloatProperty(**_plain(setting, arguments))


def _switch(setting: Setting, arguments: dict[str, Any]) -> Any:
    return bpy.props.BoolProperty(**_plain(setting, arguments))


_PROPERTIES: Mapping[SettingType, Callable[[Setting, dict[str, Any]], Any]] = {
    SettingType.STRING: _text,
    SettingType.INT32: _whole_number,
    SettingType.FLOAT: _number,
    SettingType.BOOL: _switch,
}


def _numbers(
    propargs: Mapping[str, Any], names: "tuple[str, ...]", kind: Callable[[Any], Any]
) -> dict[str, Any]:
    """Return those of `names` in `propargs` that are numbers, within Blender's limits.

    With any other value Blender would not make the property.
    """
    return {name: _bounded(propargs[name], kind) for name in names if _is_number(propargs, name)}


def _is_number(propargs: Mapping[str, Any], name: str) -> bool:
    told = propargs.get(name)
    return isinstance(told, (int, float)) and not isinstance(told, bool) and told == told


def _bounded(number: float, kind: Callable[[Any], Any]) -> Any:
    low, high = _INT32 if kind is int else _FLOAT32
    return kind(max(low, min(high, number)))


def _plain(setting: Setting, arguments: dict[str, Any]) -> dict[str, Any]:
    """Add the arguments that every type of property takes from `propargs`."""
    subtype = setting.propargs.get("subtype")
    if (
        isinstance(subtype, str)
        and subtype in _SUBTYPES[setting.type]
        and "subtype" not in arguments
    ):
        arguments["subtype"] = subtype
    for name in ("name", "description"):
        if isinstance(told := setting.propargs.get(name), str) and told:
            arguments[name] = told
    return arguments
