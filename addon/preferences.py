"""Reads the add-on's preferences, which Blender keeps apart from any file."""

import getpass
from contextlib import suppress
from pathlib import Path
from typing import Any

import bpy

from .core.addresses import BadAddress, normalized
from .core.manager import Manager
from .core.project import ProjectFinder
from .core.token_file import TokenFile


def preferences_of(context: bpy.types.Context) -> Any:
    """Return the `preferences_page.TablaoPreferences`. Blender makes its fields, so it is Any."""
    return context.preferences.addons[__package__].preferences


def manager_of(context: bpy.types.Context) -> Manager:
    """Return the manager that the preferences name.

    Raises:
        ManagerError: the address or the token is not valid.
    """
    typed = preferences_of(context).manager_address
    token = token_file().token_of(key_of(typed))
    return Manager(typed, token, authority=authority_of(context))


def key_of(typed_address: str) -> str:
    """Return the address under which a manager's token is kept; empty if it is not valid."""
    with suppress(BadAddress):
        return normalized(typed_address)
    return ""


def token_file() -> TokenFile:
    return TokenFile(_folder() / "tokens.json")


def authority_of(context: bpy.types.Context) -> str:
    """Return the file of the farm's own authority; empty if it has none."""
    typed = str(preferences_of(context).authority).strip()
    return str(bpy.path.abspath(typed)) if typed else ""


def finder_of(context: bpy.types.Context) -> ProjectFinder:
    return ProjectFinder(preferences_of(context).project_finder)


def user_name_of(context: bpy.types.Context) -> str:
    typed = str(preferences_of(context).user_name).strip()
    if typed:
        return typed
    try:
        return getpass.getuser()
    # Some containers have no login. The exception then depends on Python's version.
    except (KeyError, OSError, ImportError):
        return ""


def kept_info_file() -> Path:
    """Return the file that keeps the manager's information for offline use."""
    return _folder() / "manager-info.json"


def presets_folder() -> Path:
    return _folder() / "presets"


def _folder() -> Path:
    return Path(bpy.utils.user_resource("CONFIG", path="tablao"))
