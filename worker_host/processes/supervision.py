"""Waits for, signals and finds processes that are not the host's children."""

import asyncio
import contextlib
import os
import signal

import psutil

from worker_host import processes
from worker_host.processes.environment import RUN_MARK

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
        if not start or processes.identity(pid) == start:
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
    start = processes.identity(pid)
    while processes.is_alive(pid) and processes.identity(pid) == start:  # noqa: ASYNC110 - no event
        await asyncio.sleep(_POLL_S)


def send_signal(pid: int, start: str, number: signal.Signals) -> None:
    """Signal the process, unless its pid belongs to another process by now."""
    with contextlib.suppress(ProcessLookupError):
        if start and processes.identity(pid) == start:
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
