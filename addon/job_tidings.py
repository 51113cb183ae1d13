"""Tells in the status bar that jobs of the artist have ended. It takes neither mouse nor keys."""

from collections.abc import Sequence

import bpy

from .core.job_ends import sentence
from .core.my_jobs import MyJob

_SHOWN_S = 30.0


def tell(jobs: Sequence[MyJob]) -> None:
    if not jobs or bpy.app.background:
        return
    _show(sentence(jobs))
    if bpy.app.timers.is_registered(_hide):
        bpy.app.timers.unregister(_hide)
    bpy.app.timers.register(_hide, first_interval=_SHOWN_S)


def stop() -> None:
    if bpy.app.timers.is_registered(_hide):
        bpy.app.timers.unregister(_hide)
        _hide()


def _hide() -> None:
    _show(None)


def _show(text: "str | None") -> None:
    for workspace in bpy.data.workspaces:
        workspace.status_text_set(text)
