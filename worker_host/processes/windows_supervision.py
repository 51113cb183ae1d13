"""Waits for and ends processes that are not the host's children, on Windows."""

import asyncio
import signal
import sys
import threading
from collections.abc import Callable

from worker_host.processes import windows_api as api
from worker_host.processes.windows_names import stop_event

# Tells the type checker, too, that the rest is for Windows only.
assert sys.platform == "win32"


async def wait_for_exit(pid: int, start: str) -> None:
    """Wait until the process has ended; it need not be a child.

    Return at once if the pid belongs to another process by now.

    Args:
        start: the process's `identity`; empty accepts any process with this pid.
    """
    if not pid:
        return
    access = api.SYNCHRONIZE | api.PROCESS_QUERY_LIMITED_INFORMATION
    with api.opened_process(pid, access) as process:
        if process and (not start or str(api.began_at(process)) == start):
            await _signaled(process)


async def _signaled(handle: int) -> None:
    """Wait for a handle, in a thread of its own: runs last for hours, and there are many."""
    loop = asyncio.get_running_loop()
    ended, given_up = asyncio.Event(), api.new_event()

    def wait() -> None:
        if api.wait_for_any([handle, given_up], None) == 0:
            loop.call_soon_threadsafe(ended.set)

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        await ended.wait()
    finally:
        # The thread must not wait for a handle that is closed.
        api.set_event(given_up)
        thread.join()
        api.close(given_up)


def order_to_stop(pid: int, start: str) -> None:
    """Tell a shim to stop its run, unless its pid belongs to another process by now."""
    # A shim that has not made its event yet has started nothing either.
    if start and not api.set_named_event(stop_event(pid, start)):
        kill(pid, start)


def kill(pid: int, start: str) -> None:
    """Kill the process, unless its pid belongs to another process by now."""
    access = api.PROCESS_TERMINATE | api.PROCESS_QUERY_LIMITED_INFORMATION
    with api.opened_process(pid, access) as process:
        if process and start and str(api.began_at(process)) == start:
            api.terminate(process)


async def kill_leftovers(_mark: str, _within_s: float = 5.0) -> None:
    """Do nothing: the processes of a run are in its shim's job, which dies with the shim."""


def on_order_to_end(received: Callable[[], None]) -> None:
    """Call `received` in the running loop at each Ctrl-C and Ctrl-Break."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGBREAK):
        signal.signal(number, lambda _number, _frame: loop.call_soon_threadsafe(received))
