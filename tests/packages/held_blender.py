"""Loaded by a real Blender: each frame is held before it is rendered, until the file `go` is there.

It writes the ledger of `tests.farm.processes`.
"""

import os
import time

import bpy  # only in Blender


def _note(what: str, frame: int) -> None:
    with open(os.environ["LEDGER"], "a", encoding="ascii") as ledger:
        ledger.write(f"{what} {frame} {os.getpid()} {time.time()}\n")


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator] # Blender publishes no types
def begin(scene: "bpy.types.Scene", *_: object) -> None:
    _note("start", scene.frame_current)
    while not os.path.exists(os.path.join(os.environ["OUT"], "go")):
        time.sleep(0.1)


@bpy.app.handlers.persistent  # type: ignore[untyped-decorator] # Blender publishes no types
def end(scene: "bpy.types.Scene", *_: object) -> None:
    _note("end", scene.frame_current)


bpy.app.handlers.render_pre.append(begin)
bpy.app.handlers.render_post.append(end)
