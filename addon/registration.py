"""Registers the add-on's classes, properties, handlers and timers in Blender; and removes them."""

from typing import Any

import bpy

from . import (
    background,
    connecting,
    findings_panel,
    job_operators,
    job_watch,
    jobs_panel,
    logging_in,
    mending,
    operators,
    panels,
    preferences_page,
    preset_operators,
    render_menu,
    scene_properties,
    setting_properties,
    several,
    showing,
    submitting,
    thumbnails,
)
from .session import session

#: In the order of registration: a panel comes before the panels within it.
_CLASSES: tuple[type[Any], ...] = (
    *preferences_page.CLASSES,
    *scene_properties.CLASSES,
    *operators.CLASSES,
    *preset_operators.CLASSES,
    *job_operators.CLASSES,
    *several.CLASSES,
    *mending.CLASSES,
    *showing.CLASSES,
    *panels.CLASSES,
    *findings_panel.CLASSES,
    *jobs_panel.CLASSES,
)


def register() -> None:
    for each in _CLASSES:
        bpy.utils.register_class(each)
    scene_properties.register()
    jobs_panel.register()
    several.register()
    render_menu.register()
    thumbnails.register()
    bpy.app.handlers.load_post.append(_file_loaded)
    # While Blender starts and enables add-ons, they cannot reach its preferences and data.
    bpy.app.timers.register(_begin, first_interval=0.0, persistent=True)
    connecting.use_kept_info()


def unregister() -> None:
    submitting.stop()
    job_watch.stop()
    logging_in.stop()
    background.stop()
    if bpy.app.timers.is_registered(_begin):
        bpy.app.timers.unregister(_begin)
    bpy.app.handlers.load_post.remove(_file_loaded)
    render_menu.unregister()
    several.unregister()
    thumbnails.unregister()
    jobs_panel.unregister()
    setting_properties.unregister()
    scene_properties.unregister()
    for each in reversed(_CLASSES):
        bpy.utils.unregister_class(each)
    session.forget()


def _begin() -> None:
    """Ask the manager once Blender has a window, in the background."""
    if not bpy.app.background:
        connecting.refresh(bpy.context)


# `persistent` has no types.
@bpy.app.handlers.persistent  # type: ignore[untyped-decorator]
def _file_loaded(*_: Any) -> None:
    # The findings were about the file that was open before.
    session.findings, session.is_checked = (), False
    if session.running is None:
        session.outcome, session.has_failed = "", False
    # The list of jobs belonged to the window manager of the file that was open before.
    job_watch.fill_list()
