"""Reads a scene into the core's `SceneFacts`."""

from typing import Any

import bpy

from . import values
from .core.checks import SceneFacts
from .core.files import MissingFile
from .simulations import unbaked


def read_scene(scene: bpy.types.Scene, missing: "tuple[MissingFile, ...]" = ()) -> SceneFacts:
    return SceneFacts(
        blend_path=values.blendfile_path(),
        is_dirty=bpy.data.is_dirty,
        has_camera=has_camera(scene),
        frame_start=scene.frame_start,
        frame_end=scene.frame_end,
        frame_step=scene.frame_step,
        resolution_percentage=scene.render.resolution_percentage,
        has_render_region=scene.render.use_border,
        lacks_composite=lacks_composite(scene),
        output_format=scene.render.image_settings.file_format,
        blender_version=bpy.app.version_string,
        scene=scene.name,
        uses_sequencer=bool(scene.render.use_sequencer and strips_of(scene)),
        view_layers=tuple(layer.name for layer in scene.view_layers if layer.use),
        missing=missing,
        unsaved_images=unsaved_images(),
        unbaked=unbaked(scene),
        used_files=used_files(),
    )


def used_files() -> "tuple[str, ...]":
    paths = bpy.utils.blend_paths(absolute=True, packed=False, local=False)
    return tuple(sorted({path for path in paths if path}))


def unsaved_images() -> "tuple[str, ...]":
    # A viewer image shows a render or a composite; the artist did not paint it.
    return tuple(
        image.name for image in bpy.data.images if image.is_dirty and image.source != "VIEWER"
    )


def has_camera(scene: bpy.types.Scene) -> bool:
    """Return whether the scene has a camera, or a marker on the timeline binds one."""
    return scene.camera is not None or any(marker.camera for marker in scene.timeline_markers)


def lacks_composite(scene: bpy.types.Scene) -> bool:
    """Return whether the compositor works in vain. Since Blender 5 its group has an output."""
    tree = getattr(scene, "node_tree", None)
    if tree is None or not scene.use_nodes or not scene.render.use_compositing:
        return False
    return not any(node.type == "COMPOSITE" and not node.mute for node in tree.nodes)


def strips_of(scene: bpy.types.Scene) -> "list[Any]":
    """Return the strips in the scene's sequence editor."""
    editor = scene.sequence_editor
    if editor is None:
        return []
    # `sequences` became `strips` in Blender 4.4.
    return list(editor.strips if hasattr(editor, "strips") else editor.sequences)
