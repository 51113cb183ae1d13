"""Waits for, signals and finds processes that are not the host's children, on Linux and macOS."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable

import psutil

from worker_host.processes import posix
from worker_host.processes.environment import RUN_MARK

# Tells the type checker, too, that the rest is not for Windows.
assert sys.platform != "win32"

_POLL_S = 0.1


async def wait_for_exit(pid: int, start: str) -> None:
    """Wait until the process has ended; it need not be a child.

    Return at once if the pid belongs to another process by now.

    Args:
        start: the process's `identity`; empty accepts any process with this pid.
    """
    if not pid:
        return
    try:
        descriptor = os.pidfd_open(pid)
    except AttributeError:
        await _poll_for_exit(pid)
        return
    except ProcessLookupError:
        return
    try:
        if not start or posix.identity(pid) == start:
            await _readable(descriptor)
    finally:
        os.close(descriptor)


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(descriptor, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(descriptor)


async def _poll_for_exit(pid: int) -> None:
    start = posix.identity(pid)
    while posix.is_alive(pid) and posix.identity(pid) == start:  # noqa: ASYNC110 - no event
        await asyncio.sleep(_POLL_S)


def order_to_stop(pid: int, start: str) -> None:
    """Tell a shim to stop its run, unless its pid belongs to another process by now."""
    _send_signal(pid, start, signal.SIGTERM)


def kill(pid: int, start: str) -> None:
    """Kill the process, unless its pid belongs to another process by now."""
    _send_signal(pid, start, signal.SIGKILL)


def _send_signal(pid: int, start: str, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        if start and posix.identity(pid) == start:
            os.kill(pid, number)


async def kill_leftovers(mark: str, within_s: float = 5.0) -> None:
    """Kill every process that has this run's mark, and wait until they are gone.

    A process that hangs in the kernel is given up after `within_s`.
    """
    until = asyncio.get_running_loop().time() + within_s
    while marked := await asyncio.to_thread(_marked, mark):
        for process in marked:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if asyncio.get_running_loop().time() > until:
            return
        await asyncio.sleep(0.01)


def _marked(mark: str) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get(RUN_MARK) == mark:
                found.append(process)
    return found


def on_order_to_end(received: Callable[[], None]) -> None:
    """Call `received` in the running loop at each SIGTERM and Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, received)
