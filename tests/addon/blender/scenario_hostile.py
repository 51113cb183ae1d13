"""Uses absurd job types in Blender: `-- GIVEN.json`."""

import json
import sys
from pathlib import Path
from typing import Any

import addon_utils
import bpy

KINDS = ("string", "int32", "float", "bool")
BOUNDS = ("min", "max", "soft_min", "soft_max", "step", "precision", "maxlen")
NUMBERS = (-1, 0, 2**31, -(2**31) - 1, 2**40, 1e300, float("inf"), float("-inf"), float("nan"))

ODD_PROPARGS: "tuple[dict[str, Any], ...]" = (
    {"subtype": ["x"]},
    {"unit": {}},
    {"update": "x"},
    {"min": 5, "max": 1},
)


def main() -> None:
    given = json.loads(Path(sys.argv[-1]).read_text())
    assert addon_utils.enable("tablao", default_set=True) is not None
    Path(given["answer"]).write_text(
        json.dumps({"wrong": wrong(), "reads": reads(), "linked": linked(given)})
    )
    addon_utils.disable("tablao", default_set=True)


def job_types() -> "list[dict[str, Any]]":
    odd_names = ["j" * 40, "j" * 60, "j" * 300, "ä" * 99, "/../../x", "__init__", "bl_rna", "a b"]
    made = [_job_type(name, {"key": "k"}) for name in odd_names]
    keys = ("k" * 64, "k" * 300, "self", "__class__", "name", "../x", "ключ", "1", "-")
    link = {"showLinkButton": True, "description": "x" * 10_000}
    made += [
        _job_type(f"{kind} {key}", {"key": key, "type": kind, "eval": "1", "evalInfo": link})
        for kind in KINDS
        for key in keys
    ]
    made += [
        _job_type(f"{kind} {name} {number}", _bounded(kind, {name: number}))
        for kind in KINDS
        for name in BOUNDS
        for number in NUMBERS
    ]
    made += [
        _job_type(f"{kind} {odd}", _bounded(kind, odd)) for kind in KINDS for odd in ODD_PROPARGS
    ]
    made += [
        _job_type(f"{kind} {expression}", {"key": "k", "type": kind, "eval": expression, **more})
        for kind in KINDS
        for expression in ("exit()", "(", "settings.k", "10 ** 400", r"'\\0'", "lambda: 1", "[]")
        for more in ({}, {"editable": False})
    ]
    return made


def _bounded(kind: str, propargs: "dict[str, Any]") -> "dict[str, Any]":
    return {"key": "k", "type": kind, "default": 1, "propargs": propargs}


def _job_type(name: str, setting: "dict[str, Any]") -> "dict[str, Any]":
    return {"name": name, "label": name, "etag": "e", "settings": [setting]}


def wrong() -> "list[str]":
    """Return the job types whose settings cannot be registered, filled in, read or gathered."""
    from tablao import setting_properties, values
    from tablao.core.job_types import job_types_from_json

    found, scene = [], bpy.context.scene
    for told in job_types():
        [job_type] = job_types_from_json({"job_types": [told]})
        try:
            setting_properties.register((job_type,), values.live)
            group = setting_properties.group_of(scene, job_type)
            values.fill_in(bpy.context, scene, job_type)
            values.gathered(bpy.context, scene, job_type)
            for setting in job_type.settings:
                setting_properties.read(group, setting)
        except BaseException as problem:
            found.append(f"{job_type.name}: {problem!r}"[:200])
    setting_properties.unregister()
    return found


def reads() -> int:
    """Return how many values are read to draw two hundred settings, of which half are read-only."""
    from tablao import setting_properties, values
    from tablao.core.job_types import job_types_from_json

    settings: list[dict[str, Any]] = [{"key": f"k{number}"} for number in range(100)]
    settings += [
        {"key": f"r{number}", "editable": False, "eval": f"settings.k{number}"}
        for number in range(100)
    ]
    [job_type] = job_types_from_json({"job_types": [{"name": "large", "settings": settings}]})
    setting_properties.register((job_type,), values.live)
    group = setting_properties.group_of(bpy.context.scene, job_type)
    count, read = 0, setting_properties.read

    def counted(*asked: Any) -> Any:
        nonlocal count
        count += 1
        return read(*asked)

    setting_properties.read = counted
    try:
        for setting in job_type.settings:
            getattr(group, setting_properties.property_of(setting.key))
    finally:
        setting_properties.read = read
        setting_properties.unregister()
    return count


def linked(given: "dict[str, Any]") -> "dict[str, Any]":
    """Ask the manager while the file has a scene of another file, which cannot be changed."""
    from tablao import connecting
    from tablao.core.job_types import job_types_from_json
    from tablao.core.manager_info import ManagerInfo, SharedStorage

    told = _job_type("known", {"key": "k", "eval": "C.scene.name"})
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.name, bpy.context.scene.tablao.job_type = "theirs", "known"
    library = given["answer"] + ".blend"
    bpy.ops.wm.save_as_mainfile(filepath=library)
    bpy.ops.wm.read_homefile(use_empty=True, use_factory_startup=True)
    bpy.context.scene.name, bpy.context.scene.tablao.job_type = "mine", "known"
    with bpy.data.libraries.load(library, link=True) as (_, wanted):
        wanted.scenes = ["theirs"]
    job_types = job_types_from_json({"job_types": [told]})
    storage = SharedStorage("/nowhere", shaman_enabled=True)
    address = connecting.address_now()
    connecting._reached(
        ManagerInfo(address, "Farm", "3.9", False, storage, job_types, (), {}, "Flamenco 3.9")
    )
    from tablao import setting_properties

    return {
        scene.name: setting_properties.read(
            setting_properties.group_of(scene, job_types[0]), job_types[0].settings[0]
        )
        for scene in bpy.data.scenes
    }


if __name__ == "__main__":
    try:
        main()
    except BaseException:
        # The bpy module would ignore the exception, and the exit code must show the failure.
        import traceback

        traceback.print_exc()
        sys.exit(3)
