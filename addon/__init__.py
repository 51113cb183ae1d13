"""Tablao in Blender: send a file to the render farm and see it render, without leaving Blender.

Blender calls this package `tablao` or `bl_ext.<repository>.tablao`; this project calls it `addon`.
Imports within it are therefore relative. Pipelines import `addon.core` without Blender, so nothing
here imports `bpy` before `register` is called.
"""

# Blender before 4.2 reads this without running it; later versions read blender_manifest.toml.
bl_info = {
    "name": "Tablao",
    "description": "Submit to a Tablao or Flamenco render farm, and see it render",
    "author": "The Tablao developers",
    "version": (0, 1, 0),
    "blender": (3, 4, 0),
    "location": "Properties > Output > Tablao",
    "category": "Render",
}


def register() -> None:
    from . import registration

    registration.register()


def unregister() -> None:
    from . import registration

    registration.unregister()
