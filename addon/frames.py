"""Finds a job's finished frames, and loads them as an image sequence or a strip."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .core.frame_files import frames_among
from .core.manager_info import ManagerInfo
from .core.my_jobs import MyJob
from .scene_facts import strips_of

#: The scene for strips of frames. With a strip, the artist's own scene would render the strip.
SCENE = "Tablao Frames"


class NoFrames(Exception):
    """No frames can be loaded; the text says why."""


@dataclass(frozen=True)
class Frames:
    """Files of one folder, in the order of their numbers."""

    files: tuple[Path, ...]
    first: int
    """The first file's number."""


def frames_of(job: MyJob, info: "ManagerInfo | None") -> Frames:
    """Look for a job's frames in its output folder.

    Raises:
        NoFrames: this machine cannot see any.
    """
    if not job.render_output_path:
        raise NoFrames("This job does not say where its frames are")
    pattern = Path(here(job.render_output_path, info))
    if not pattern.parent.is_dir():
        raise NoFrames(f"{pattern.parent} is not there yet, or not to be reached from here")
    names = (file.name for file in pattern.parent.iterdir())
    numbered = frames_among(names, pattern.name, str(job.settings.get("frames") or ""))
    if not numbered:
        raise NoFrames(f"There is no frame in {pattern.parent} yet")
    return Frames(tuple(pattern.parent / name for _, name in numbered), numbered[0][0])


def here(path: str, info: "ManagerInfo | None") -> str:
    """Replace the manager's variables in a path by their values for this machine."""
    values: Mapping[str, str] = {
        name: variable.value for name, variable in (info.variables if info else {}).items()
    }
    return re.sub(r"\{(\w+)\}", lambda found: values.get(found[1], found[0]), path)


def as_image(frames: Frames, job_name: str) -> Any:
    """Load the frames into Blender's data as one image, a sequence if there are several."""
    image = bpy.data.images.load(str(frames.files[0]), check_existing=True)
    image.name = job_name
    if len(frames.files) > 1:
        image.source = "SEQUENCE"
    return image


def show_image(context: Any, image: Any, frames: Frames) -> bool:
    """Show the image in the first open image editor, and play the frames at their numbers.

    Returns:
        False if no image editor is open.
    """
    for window in context.window_manager.windows:
        for area in window.screen.areas:
            if area.type == "IMAGE_EDITOR":
                space = area.spaces.active
                space.image = image
                space.image_user.frame_duration = len(frames.files)
                space.image_user.frame_start = frames.first
                space.image_user.frame_offset = frames.first - 1
                space.image_user.use_auto_refresh = True
                return True
    return False


def as_strip(scene: Any, frames: Frames, name: str) -> Any:
    """Add a strip of the frames, which begins at the first frame's number, above all others."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    strips = editor.strips if hasattr(editor, "strips") else editor.sequences
    channel = max((strip.channel for strip in strips_of(scene)), default=0) + 1
    strip = strips.new_image(name, str(frames.files[0]), channel, frames.first)
    for file in frames.files[1:]:
        strip.elements.append(file.name)
    return strip


def scene_for_strips(context: Any) -> Any:
    """Return the artist's scene if it has strips already, else a scene only for frames."""
    if strips_of(context.scene):
        return context.scene
    own = bpy.data.scenes.get(SCENE)
    if own is None:
        own = bpy.data.scenes.new(SCENE)
        own.render.fps = context.scene.render.fps
        own.render.fps_base = context.scene.render.fps_base
    return own
