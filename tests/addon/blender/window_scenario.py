"""An artist in a hurry, in a Blender with a window: `-P window_scenario.py -- GIVEN.json`.

While the add-on works, the artist changes the manager or the file, disables the add-on, or closes
Blender. A timer runs the steps, because Blender works between them.

No step overrides Blender's context while the add-on's threads work: Blender 3.4 looks an overridden
context up without Python's lock, so that the two destroy each other's memory.
"""

import json
import socket
import sys
import threading
import time
import traceback
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import addon_utils
import bpy

GIVEN = json.loads(Path(sys.argv[-1]).read_text())
DEADLINE = time.monotonic() + 150
NAME = "tablao"
FOUND: "dict[str, Any]" = {}


def main() -> None:
    addon_utils.enable(NAME, default_set=True)
    steps = day()
    bpy.app.timers.register(lambda: _step(steps), first_interval=0.5, persistent=True)


def _step(steps: Any) -> "float | None":
    """Run the next step. It yields the seconds until the step after it is due."""
    try:
        assert time.monotonic() < DEADLINE, "it took too long"
        return float(next(steps))
    except StopIteration:
        _close()
    except BaseException:
        traceback.print_exc()
        _close()
    return None


def _close() -> None:
    Path(GIVEN["answer"]).write_text(json.dumps(FOUND))
    sys.stdout.flush()
    # Quit as an artist does, so that Blender unregisters the add-on.
    bpy.ops.wm.quit_blender()


def day() -> Any:
    # A console is drawn quickly.
    for area in bpy.context.window_manager.windows[0].screen.areas:
        area.type = "CONSOLE"
    yield 0.5
    parts = (
        _other_manager,
        _asked_again,
        _logged_in,
        _errors,
        _disabled,
        _checked,
        _moved,
        _closed,
    )
    for part in parts:
        yield from part()


def preferences() -> Any:
    return bpy.context.preferences.addons[NAME].preferences


def _other_manager() -> Any:
    """Change from a server that never answers to the manager."""
    from tablao.session import session

    preferences().manager_address = GIVEN["silent"]
    yield 0.5
    preferences().manager_address = GIVEN["manager"]
    began = time.monotonic()
    while not session.is_reached:
        assert time.monotonic() - began < 60
        yield 0.1
    FOUND["other manager"] = session.info.address


def _asked_again() -> Any:
    """Ask a manager again that was out of reach, which is no error."""
    from tablao import background
    from tablao.session import session

    session.is_reached = False
    FOUND["asked again"] = sorted(bpy.ops.tablao.refresh())
    while background.is_running("refresh") or background.is_running("jobs"):
        yield 0.1
    # No request can carry this token, and the buttons of a job say so.
    token = preferences().token
    from dataclasses import replace

    from tablao.core.my_jobs import summary_of

    times = {"created": "2026", "updated": "2026"}
    job = summary_of(
        {"id": "../../x", "name": "n", "status": "active", "type": "t", "priority": 1, **times}
    )
    session.jobs = (replace(job),)
    preferences().token = "with a space"
    try:
        bpy.ops.tablao.open_dashboard(job_id=job.id)
    except RuntimeError as refusal:
        FOUND["said"] = str(refusal)
    preferences().token = token
    from tablao import thumbnails

    folder = Path(thumbnails._folder.name)
    thumbnails.put(job.id, "2026", b"no picture, but bytes")
    FOUND["pictures"] = [file.suffix for file in folder.iterdir()]
    thumbnails.keep_only(())
    FOUND["pictures kept"] = [file.name for file in folder.iterdir()]


def _is_open(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=30):
            return True
    except ConnectionError:
        return False


def _logged_in() -> Any:
    """Press Log In twice, and give access in the page that was opened last."""
    from tablao import background, logging_in

    old, new = (parse_qs(urlsplit(logging_in.begin(bpy.context)).query) for _ in range(2))
    connection = HTTPConnection("127.0.0.1", int(new["port"][0]), timeout=30)
    # The answer leads to a page of the manager, which is not asked here.
    connection.request("GET", f"/?state={new['state'][0]}&token=tablao_user_x")
    connection.getresponse()
    while background.is_running("log in") or background.is_running("refresh"):
        yield 0.1
    FOUND["token of the page"] = preferences().token
    # The waiting for the old one notices within a moment that it is not wanted.
    while _is_open(int(old["port"][0])):
        yield 0.1
    FOUND["old page"] = "too late"
    preferences().token = ""


def _errors() -> Any:
    """Let the handler of one result fail, which must not hold up other results."""
    from tablao import background

    told: list[int] = []
    released = threading.Event()

    def late() -> int:
        released.wait(30)
        return 1

    background.run("late", late, told.append, lambda _: None)
    background.run("wrong", lambda: 0, lambda number: divmod(1, number), lambda _: None)
    while background.is_running("wrong"):
        yield 0.1
    yield 0.5
    released.set()
    for _ in range(50):
        if told:
            break
        yield 0.1
    FOUND["told after an error"] = told


def _disabled() -> Any:
    """Disable and enable the add-on during work, whose result must then be ignored."""
    from tablao import background

    heard: list[str] = []
    first, second = threading.Event(), threading.Event()
    background.run("work", lambda: first.wait(30), lambda _: heard.append("old"), print)
    addon_utils.disable(NAME)
    addon_utils.enable(NAME)
    background.run("work", lambda: second.wait(30), lambda _: heard.append("new"), print)
    first.set()
    yield 0.5
    FOUND["still running"] = background.is_running("work")
    second.set()
    while background.is_running("work"):
        yield 0.1
    FOUND["heard"] = heard
    # Twice more, as developers do.
    for _ in range(2):
        addon_utils.disable(NAME)
        addon_utils.enable(NAME)
    yield 0.2


def _submitting() -> Any:
    from tablao import background
    from tablao.session import session
    from tablao.setting_properties import group_of, write

    preferences().manager_address = GIVEN["manager"]
    while not session.is_reached or background.is_running("refresh"):
        yield 0.1
    scene = bpy.context.scene
    scene.tablao.job_type = "simple-blender-render"
    job_type = session.job_type("simple-blender-render")
    write(group_of(scene, job_type), job_type.setting("render_output_root"), "//frames/")
    scene.tablao.is_paused = True
    # The button's operator needs a window under the mouse, so call its function.
    from tablao import submitting

    submitting.begin(bpy.context)
    while session.running is not None and session.running.done == 0:
        yield 0.01
    assert session.running is not None, session.outcome


def _checked() -> Any:
    """Start a check that fails while a job is being submitted."""
    from tablao.session import session

    yield from _submitting()
    preferences().token = "with a space"
    bpy.ops.tablao.check()
    FOUND["running after a check"] = session.running is not None
    preferences().token = ""
    bpy.ops.tablao.cancel_submission()
    while session.running is not None:
        yield 0.1
    FOUND["canceled"] = session.outcome


def _moved() -> Any:
    """Choose another manager and another file while a job is being submitted."""
    from tablao.session import session

    file = bpy.data.filepath
    yield from _submitting()
    preferences().manager_address = GIVEN["silent"]
    bpy.ops.wm.read_homefile(use_empty=True)
    while session.running is not None:
        yield 0.1
    FOUND["moved"] = {
        "outcome": session.outcome,
        "info": session.info is not None,
        "submitted": list(session.submitted),
    }
    yield 0.3
    bpy.ops.wm.open_mainfile(filepath=file)
    yield 0.3


def _closed() -> Any:
    """Close Blender while files are copied. The test checks what is left on the storage."""
    yield from _submitting()


if __name__ == "__main__":
    main()
