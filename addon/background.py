"""Runs long work in threads, so that Blender's interface stays responsive.

A timer hands the results to Blender's main thread; the threads never touch `bpy`. Without an
interface no timer runs, so the work is done at once.
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
#: Running threads by the name of their work. Work of one name runs only once at a time.
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
        name: identifies the work; work of the same name never runs twice at a time.
        is_waiting: do the work before returning, as without an interface; for scripts.

    Returns:
        True if the work was started; False if work of this name is running already.
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
    """Ignore the result of this work. Its thread ends by itself; the work may be started again."""
    _running.pop(name, None)


def wait_for(name: str, within_s: float) -> None:
    """Wait until the work has ended, but no longer than `within_s` seconds.

    The timer delivers its result later, as always.
    """
    if thread := _running.get(name):
        thread.join(within_s)


def stop() -> None:
    """Ignore all results that are not delivered yet. Running threads end by themselves."""
    if bpy.app.timers.is_registered(_deliver):
        bpy.app.timers.unregister(_deliver)
    _running.clear()
    while not _results.empty():
        _results.get_nowait()


def redraw() -> None:
    """Make Blender redraw all open properties and preferences editors."""
    for window in getattr(bpy.context.window_manager, "windows", ()):
        for area in window.screen.areas:
            if area.type in {"PROPERTIES", "PREFERENCES"}:
                area.tag_redraw()


def _outcome(
    work: Callable[[], T], done: Callable[[T], None], failed: Callable[[Exception], None]
) -> Callable[[], None]:
    try:
        result: Any = work()
    # The outermost edge of a thread: `failed` reports every error.
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
    # The outermost edge: an exception would make Blender end the timer, and the other results
    # would never be delivered.
    except Exception:
        traceback.print_exc()


def _ended(name: str, thread: threading.Thread, tell: Callable[[], None]) -> None:
    if _running.get(name) is not thread:
        return  # forgotten; newer work may have this name
    # Remove the name first: `tell` may start the same work again, and may raise.
    del _running[name]
    tell()
