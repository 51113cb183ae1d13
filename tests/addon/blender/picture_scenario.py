"""Brings the add-on's panel into each state and takes its picture, in a Blender with a window.

`blender --window-geometry 0 0 W H -P picture_scenario.py -- GIVEN.json`. An operator that waits for
a timer in the window runs one step after the other, because Blender draws between the steps. So no
step has to override Blender's context while the add-on's threads work: Blender 3.4 looks an
overridden context up without Python's lock, so that the two destroy each other's memory.
"""

import json
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

import addon_utils
import bpy
import scenario_scene

GIVEN = json.loads(Path(sys.argv[-1]).read_text())
#: How often Blender must come to its timer during a submission; without time, as machines differ.
LOOKS = 5
DEADLINE = time.monotonic() + 200
NAME = "tablao"


def main() -> None:
    bpy.utils.register_class(TABLAO_OT_day)
    bpy.app.timers.register(_begin, first_interval=1.0)


def _begin() -> None:
    # A timer has no window of its own.
    with bpy.context.temp_override(window=bpy.context.window_manager.windows[0]):
        bpy.ops.tablao.day("INVOKE_DEFAULT")


# Blender wants names of this form.
class TABLAO_OT_day(bpy.types.Operator):  # type: ignore[misc]  # noqa: N801
    """Runs the steps; a step yields the seconds until the step after it is due."""

    bl_idname = "tablao.day"
    bl_label = "Day"

    def invoke(self, context: Any, _event: Any) -> "set[str]":
        addon_utils.enable(NAME, default_set=True)
        self.steps = day()
        self.due = 0.0
        context.window_manager.event_timer_add(0.05, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, _context: Any, event: Any) -> "set[str]":
        if event.type == "TIMER" and time.monotonic() >= self.due:
            try:
                assert time.monotonic() < DEADLINE, "it took too long"
                self.due = time.monotonic() + float(next(self.steps))
            except StopIteration:
                _quit(0)
            except BaseException:
                traceback.print_exc()
                _quit(3)
        return {"PASS_THROUGH"}


def _quit(code: int) -> None:
    import os

    sys.stdout.flush()
    # End at once, or Blender would ask about unsaved changes.
    os._exit(code)


def preferences() -> Any:
    return bpy.context.preferences.addons[NAME].preferences


def day() -> Any:
    file = Path(bpy.data.filepath)
    yield from _only_the_panel()
    preferences()["manager_address"] = "http://farm.example:8080"
    yield 1.0
    _picture("1-no-manager")
    yield from _ready()
    yield from _findings(file)
    yield from _submitting(file)
    yield from _jobs()


def _ready() -> Any:
    from tablao.session import session

    preferences().user_name = "María"
    preferences().manager_address = GIVEN["manager"]
    while not session.is_reached:
        yield 0.2
    bpy.context.scene.tablao.job_type = "simple-blender-render"
    _set("render_output_root", "//frames/")
    bpy.context.scene.tablao.comment = "for the dailies"
    yield 3.0
    _picture("2-ready")


def _findings(file: Path) -> Any:
    from tablao import background

    scene = bpy.context.scene
    camera, markers = scene.camera, [(m.name, m.frame, m.camera) for m in scene.timeline_markers]
    texture = file.parent / "textures" / "weiße Wand.png"
    kept = texture.read_bytes()
    texture.unlink()
    bpy.context.scene.camera = None
    scene.timeline_markers.clear()
    bpy.ops.wm.save_mainfile()
    bpy.ops.tablao.check()
    while background.is_running("check"):
        yield 0.2
    yield 1.0
    _picture("3-findings")
    texture.write_bytes(kept)
    scene.camera = camera
    for name, frame, bound in markers:
        scene.timeline_markers.new(name, frame=frame).camera = bound


def _submitting(file: Path) -> Any:
    from tablao.session import session

    big = file.parent / "textures" / "big.png"
    _pack_noise(big)
    bpy.ops.wm.save_mainfile()
    _set("chunk_size", 2)
    scenario_scene.slow_down()
    go_on = _held_after_first_bytes()
    yield from _canceled(go_on)
    go_on.clear()
    bpy.ops.tablao.submit("INVOKE_DEFAULT")
    is_shown, looks = False, 0
    while session.running is not None:
        looks += 1
        if session.running.total > 0 and session.running.done > 0 and not is_shown:
            _picture("4-submitting")
            is_shown = True
        if looks >= LOOKS and is_shown:
            go_on.set()
        yield 0.05
    # A submission on the main thread would hold the timer until it is over.
    assert looks >= LOOKS, f"Blender came to its timer only {looks} times while it submitted"
    assert is_shown
    assert not session.has_failed, session.outcome
    yield 1.0


def _held_after_first_bytes() -> threading.Event:
    """Hold submissions that have sent something until the event is set.

    A fast farm would take the files before they are looked at.
    """
    from tablao.session import Running

    go_on = threading.Event()
    progress = Running.progress

    def held(running: Any, step: str, done: int, total: int) -> None:
        progress(running, step, done, total)
        if total > 0 and done > 0:
            go_on.wait(60)

    Running.progress = held
    return go_on


def _canceled(go_on: threading.Event) -> Any:
    """Cancel a submission half-way; meanwhile a second submission is refused."""
    from tablao.session import session

    bpy.ops.tablao.submit("INVOKE_DEFAULT")
    while session.running is not None and session.running.done == 0:
        yield 0.05
    said = ""
    try:
        bpy.ops.tablao.submit()
    except RuntimeError as refusal:
        said = str(refusal)
    assert "is being submitted" in said, said
    bpy.ops.tablao.cancel_submission()
    go_on.set()
    while session.running is not None:
        yield 0.05
    assert "Canceled" in session.outcome, session.outcome
    assert not session.submitted
    yield 0.5


def _pack_noise(file: Path) -> None:
    """Write a file that takes a moment to send."""
    import os

    with file.open("wb") as out:
        for _ in range(GIVEN["megabytes"]):
            out.write(os.urandom(1_000_000))
    sound = bpy.data.images.load(str(file))
    sound.use_fake_user = True


def _jobs() -> Any:
    from tablao.session import session

    scene = bpy.context.scene
    scene.tablao.is_paused = True
    bpy.ops.tablao.submit(job_name="sh010_0030 palmas", allow_missing=True)
    while len(session.jobs) < 2 or not all(job.status != "queued" for job in session.jobs):
        yield 0.3
    while not any(job.status == "completed" for job in session.jobs):
        yield 0.3
    from tablao import thumbnails

    done = next(job for job in session.jobs if job.status == "completed")
    while not thumbnails.icon_of(done.id):
        yield 0.3
    bpy.context.window_manager.tablao_job_index = [job.id for job in session.jobs].index(done.id)
    yield 4.0
    _picture("5-my-jobs")
    session.is_reached = None
    preferences()["manager_address"] = GIVEN["dead"]
    bpy.ops.tablao.refresh("INVOKE_DEFAULT")
    while session.is_reached is not False:
        yield 0.2
    yield 1.0
    _picture("6-out-of-reach")


def _set(key: str, value: Any) -> None:
    from tablao.session import session
    from tablao.setting_properties import group_of, write

    job_type = session.job_type(bpy.context.scene.tablao.job_type)
    write(group_of(bpy.context.scene, job_type), job_type.setting(key), value)


def _only_the_panel() -> Any:
    """Show only the output properties, without Blender's own panels."""
    screen = bpy.context.window_manager.windows[0].screen
    area = max(screen.areas, key=lambda each: each.width * each.height)
    area.type = "PROPERTIES"
    yield 0.5  # Blender knows the tabs only after it has drawn them
    area.spaces.active.context = "OUTPUT"
    for name in dir(bpy.types):
        panel = getattr(bpy.types, name)
        is_ours = name.startswith("TABLAO")
        if getattr(panel, "bl_context", "") == "output" and not is_ours:
            bpy.utils.unregister_class(panel)
    with bpy.context.temp_override(
        window=bpy.context.window_manager.windows[0], area=area, region=area.regions[0]
    ):
        bpy.ops.screen.screen_full_area(use_hide_panels=True)


def _picture(name: str) -> None:
    bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=2)
    bpy.ops.screen.screenshot(filepath=str(Path(GIVEN["pictures"]) / f"{name}.png"))


if __name__ == "__main__":
    main()
