"""Work away from Blender's interface: threads do it, a timer brings the results to `bpy`.

Threads never touch `bpy`. Without an interface there is nothing to keep responsive and no timer
runs, so the work is done at once.
"""

import threading
import traceback
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

import bpy

T = TypeVar("T")

_LOOK_EVERY_S = 0.1

_results: "SimpleQueue[Callable[[], None]]" = SimpleQueue()
#: What runs, by what it is for: two of the same would only wait for each other.
_running: dict[str, threading.Thread] = {}


def run(
    name: str,
    work: Callable[[], T],
    done: Callable[[T], None],
    failed: Callable[[Exception], None],
    *,
    is_waiting: bool = False,
) -> bool:
    """Do `work` in a thread, then call `done` or `failed` on Blender's main thread.

    Args:
        name: what the work is for.
        is_waiting: do it at once, as if there was no interface: for scripts.

    Returns:
        Whether it was begun; False: the same is running already.
    """
    if name in _running:
        return False
    if is_waiting or bpy.app.background:
        _outcome(work, done, failed)()
        return True

    def in_thread() -> None:
        tell = _outcome(work, done, failed)
        _results.put(lambda: _ended(name, thread, tell))

    thread = threading.Thread(target=in_thread, name=f"tablao {name}", daemon=True)
    _running[name] = thread
    thread.start()
    if not bpy.app.timers.is_registered(_deliver):
        bpy.app.timers.register(_deliver, persistent=True)
    return True


def is_running(name: str) -> bool:
    return name in _running


def forget(name: str) -> None:
    """It ends by itself; nobody hears of it, and the same may be begun anew."""
    _running.pop(name, None)


def wait_for(name: str, within_s: float) -> None:
    """Until it has ended. Whoever waits hears of it later, as always."""
    if thread := _running.get(name):
        thread.join(within_s)


def stop() -> None:
    """What runs ends by itself; nobody hears of it."""
    if bpy.app.timers.is_registered(_deliver):
        bpy.app.timers.unregister(_deliver)
    _running.clear()
    while not _results.empty():
        _results.get_nowait()


def redraw() -> None:
    """Have the panels drawn anew, wherever they are open."""
    for window in getattr(bpy.context.window_manager, "windows", ()):
        for area in window.screen.areas:
            if area.type in {"PROPERTIES", "PREFERENCES"}:
                area.tag_redraw()


def _outcome(
    work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
) -> Callable[[], None]:
    try:
        result: Any = work()
    # The outermost edge of a thread: whoever asked for the work is told, whatever went wrong.
    except Exception as problem:
        error = problem
        return lambda: failed(error)
    return lambda: done(result)


def _deliver() -> "float | None":
    while not _results.empty():
        _told(_results.get_nowait())
    redraw()
    return _LOOK_EVERY_S if _running else None


def _told(tell: Callable[[], None]) -> None:
    try:
        tell()
    # The outermost edge: Blender would end the timer, and all others would wait for ever.
    except Exception:
        traceback.print_exc()


def _ended(name: str, thread: threading.Thread, tell: Callable[[], None]) -> None:
    if _running.get(name) is not thread:
        return  # forgotten, perhaps in favor of another
    # First, so that what is told may begin the same anew, and an error in it blocks nothing.
    del _running[name]
    tell()
