"""Lists the things that add-ons can leave behind in Blender, as sets that can be compared."""

import threading
from typing import Any

import addon_utils
import bpy


def state_of_blender() -> "dict[str, set[Any]]":
    return {
        "types": {name for name in dir(bpy.types) if _is_from_python(name)},
        "operators": {f"{module}.{name}" for module in dir(bpy.ops) for name in _names(module)},
        "properties": {
            f"{owner}.{name}"
            for owner in ("Scene", "WindowManager", "Object", "Screen", "Window")
            for name in getattr(bpy.types, owner).bl_rna.properties.keys()  # noqa: SIM118  # no dict
        }
        | {f"Scene.{name}" for name in dir(bpy.types.Scene) if name.startswith("tablao")},
        "handlers": {
            (kind, getattr(handler, "__module__", ""))
            for kind in dir(bpy.app.handlers)
            if isinstance(handlers := getattr(bpy.app.handlers, kind), list)
            for handler in handlers
        },
        "keymaps": _keymaps(),
        "threads": {thread.name for thread in threading.enumerate()},
        "add-ons": set(bpy.context.preferences.addons.keys()),
        "enabled": {m.__name__ for m in addon_utils.modules() if addon_utils.check(m.__name__)[1]},
    }


def _is_from_python(name: str) -> bool:
    return "tablao" in name.lower() or hasattr(getattr(bpy.types, name), "__module__")


def _names(module: str) -> "list[str]":
    return dir(getattr(bpy.ops, module)) if module == "tablao" else []


def _keymaps() -> "set[Any]":
    configurations = bpy.context.window_manager.keyconfigs
    addon = configurations.addon if configurations else None
    return (
        {(each.name, item.idname) for each in addon.keymaps for item in each.keymap_items}
        if addon
        else set()
    )
