"""Installs the add-on's zip as artists do, and checks it. Blender runs this in an empty profile.

The last argument is a JSON object: `zip`, and `answer` (the file for the result).
"""

import json
import sys
from pathlib import Path

import bpy

ASKED = json.loads(sys.argv[-1])


def install() -> str:
    """The module's name."""
    if bpy.app.version >= (4, 2):
        bpy.ops.extensions.package_install_files(
            filepath=ASKED["zip"], repo="user_default", enable_on_install=True
        )
        return "bl_ext.user_default.tablao"
    bpy.ops.preferences.addon_install(filepath=ASKED["zip"])
    bpy.ops.preferences.addon_enable(module="tablao")
    return "tablao"


def main() -> None:
    before = [addon.module for addon in bpy.context.preferences.addons]
    module = install()
    addon = bpy.context.preferences.addons.get(module)
    panel = getattr(bpy.types, "TABLAO_PT_submit", None)
    folder = Path(sys.modules[module].__file__ or "").parent if module in sys.modules else Path()
    answer = {
        "blender": bpy.app.version_string,
        "module": module,
        "was_there_before": module in before,
        "is_enabled": addon is not None,
        "panel": panel and f"{panel.bl_space_type} > {panel.bl_context} > {panel.bl_label}",
        "address": getattr(addon.preferences, "manager_address", None) if addon else None,
        "operators": sorted(name for name in dir(bpy.ops.tablao)) if addon else [],
        "folder": str(folder),
    }
    Path(ASKED["answer"]).write_text(json.dumps(answer))


main()
