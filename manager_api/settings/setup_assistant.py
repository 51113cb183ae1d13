"""Converts the answers of the setup assistant in Flamenco's web app to settings."""

from typing import Any

from manager_api.contract.configuration import BlenderPathCheckResult, BlenderPathSource
from manager_api.contract.errors import BadRequest

_PLATFORMS = ("linux", "windows", "darwin")


def assistants_settings(storage: str, blender: BlenderPathCheckResult) -> dict[str, Any]:
    """Return the settings by dotted names.

    Raises:
        BadRequest: an answer is missing, or the check did not find the Blender usable.
    """
    if not storage.strip():
        raise BadRequest("The shared storage needs a location.")
    if not blender.is_usable:
        raise BadRequest("Choose a Blender that can be used.")
    executable = _executable(blender)
    return {
        "shared_storage_path": storage.strip(),
        "variables.blender": {
            "values": [{"platform": platform, "value": executable} for platform in _PLATFORMS]
        },
        "variables.blenderArgs": {"values": [{"platform": "all", "value": "-b -y"}]},
    }


def _executable(blender: BlenderPathCheckResult) -> str:
    match blender.source:
        case BlenderPathSource.FILE_ASSOCIATION | BlenderPathSource.DEFAULT:
            return "blender"
        case BlenderPathSource.PATH_ENVVAR:
            executable, what = blender.input, "input"
        case BlenderPathSource.INPUT_PATH | BlenderPathSource.SYSTEM_LOCATION:
            executable, what = blender.path, "path"
    if not executable.strip():
        raise BadRequest(f"A Blender of the source {blender.source} needs its {what}.")
    return executable
