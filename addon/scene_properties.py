"""The artist's choices for a job, apart from its type's settings. The file's scene stores them."""

from collections.abc import Callable
from typing import Any

import bpy

from . import devices
from .session import session

#: Python must keep the texts of an enumeration while Blender shows them.
_shown: dict[str, list[tuple[str, str, str, int]]] = {}

NOTHING = "-"


def _job_types() -> list[tuple[str, str, str]]:
    known = session.info.job_types if session.info else ()
    return [("", "Choose a Job Type", ""), *((e.name, e.label, e.description) for e in known)]


def _tags() -> list[tuple[str, str, str]]:
    known = session.info.tags if session.info else ()
    return [("", "All Workers", ""), *((each.id, each.name, each.description) for each in known)]


def _devices() -> list[tuple[str, str, str]]:
    return list(devices.DEVICES)


def _choice(field: str, choices: Callable[[], list[tuple[str, str, str]]], **arguments: Any) -> Any:
    """Make an enumeration over a text property.

    A chosen value that the farm no longer has stays chosen, and its label says so.
    """

    def items(group: Any, context: Any) -> list[tuple[str, str, str, int]]:
        known = choices()
        chosen = getattr(group, field)
        if chosen not in [value for value, _, _ in known]:
            known.append((chosen, f"{chosen} (not on this farm)", ""))
        _shown[field] = [
            (value or NOTHING, label, description, number)
            for number, (value, label, description) in enumerate(known)
        ]
        return _shown[field]

    def get(group: Any) -> int:
        chosen = getattr(group, field) or NOTHING
        numbers = {identifier: number for identifier, _, _, number in items(group, None)}
        return numbers.get(chosen, 0)

    def put(group: Any, number: int) -> None:
        identifier = items(group, None)[number][0]
        setattr(group, field, "" if identifier == NOTHING else identifier)

    return bpy.props.EnumProperty(items=items, get=get, set=put, options=set(), **arguments)


def _job_type_changed(group: "TABLAO_PG_scene", context: bpy.types.Context) -> None:
    from . import values

    if job_type := session.job_type(group.job_type):
        values.fill_in(context, group.id_data, job_type)


def _text(name: str, description: str, **arguments: Any) -> Any:
    return bpy.props.StringProperty(name=name, description=description, options=set(), **arguments)


class TABLAO_PG_scene(bpy.types.PropertyGroup):
    __annotations__ = {
        "job_name": _text("Job Name", "Empty: the file's name"),
        "job_type": _text("Job Type", "The manager's name for it", update=_job_type_changed),
        "job_type_choice": _choice(
            "job_type", _job_types, name="Job Type", description="What the farm makes of this file"
        ),
        "worker_tag": _text("Worker Tag", "The tag's id. Empty: all workers"),
        "worker_tag_choice": _choice(
            "worker_tag", _tags, name="Worker Tag", description="Only workers with this tag"
        ),
        "device": _text("Device", "CPU, CUDA, OPTIX, HIP, METAL or ONEAPI. Empty: as set up"),
        "device_choice": _choice(
            "device", _devices, name="Render Device", description="What Cycles renders with"
        ),
        "priority": bpy.props.IntProperty(
            name="Priority",
            description="Jobs of higher priority go first",
            default=50,
            min=0,
            max=100,
            options=set(),
        ),
        "is_paused": bpy.props.BoolProperty(
            name="Submit as Paused",
            description="The job waits until you resume it",
            options=set(),
        ),
        "keeps_frames": bpy.props.BoolProperty(
            name="Keep Existing Frames",
            description="Skip frames that are in the output folder, also those of other jobs",
            options=set(),
        ),
        "comment": _text("Comment", "Shown with the job in the dashboard"),
        "project": _text("Project", "Empty: the name of the folder that the preferences find"),
        "project_root": _text(
            "Project Folder", "Holds the file and all that it uses", subtype="DIR_PATH"
        ),
        "preset": _text("Preset", "Name under which these settings are saved"),
    }


CLASSES = (TABLAO_PG_scene,)


def register() -> None:
    bpy.types.Scene.tablao = bpy.props.PointerProperty(type=TABLAO_PG_scene)


def unregister() -> None:
    del bpy.types.Scene.tablao
    _shown.clear()
