"""What Blender remembers about the farm, apart from any file: where the code asks for it."""

import getpass
from pathlib import Path
from typing import Any

import bpy

from .core.manager import Manager
from .core.project import ProjectFinder


def preferences_of(context: bpy.types.Context) -> Any:
    """`preferences_page.TablaoPreferences`, whose fields only Blender knows."""
    return context.preferences.addons[__package__].preferences


def manager_of(context: bpy.types.Context) -> Manager:
    """Raises:
    ManagerError: the address is none.
    """
    chosen = preferences_of(context)
    return Manager(chosen.manager_address, chosen.token)


def finder_of(context: bpy.types.Context) -> ProjectFinder:
    return ProjectFinder(preferences_of(context).project_finder)


def user_name_of(context: bpy.types.Context) -> str:
    typed = str(preferences_of(context).user_name).strip()
    if typed:
        return typed
    try:
        return getpass.getuser()
    # No login at all, as in some containers: what is raised depends on Python's version.
    except (KeyError, OSError, ImportError):
        return ""


def kept_info_file() -> Path:
    """Where what the manager said is kept for work without it."""
    return Path(bpy.utils.user_resource("CONFIG", path="tablao")) / "manager-info.json"


def presets_folder() -> Path:
    return Path(bpy.utils.user_resource("CONFIG", path="tablao")) / "presets"
