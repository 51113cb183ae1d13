"""Programs that are run for a while, and end with whatever waits for them."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psutil

#: How long a killed program is waited for: what has left its group may still hold its output.
_GONE_WITHIN_S = 5.0


@asynccontextmanager
async def running(*argv: str | os.PathLike[str], **options: Any) -> AsyncIterator[Process]:
    """Start a program; at the end of the context, kill what is left of it and its children.

    Args:
        argv: the program and its arguments.
        options: as of `asyncio.create_subprocess_exec`.

    Raises:
        OSError: the program cannot be started.
    """
    process = await started(*argv, **options)
    try:
        yield process
    finally:
        await end(process)


async def started(*argv: str | os.PathLike[str], **options: Any) -> Process:
    """Start a program as the leader of a group. Canceled meanwhile, nothing of it is left.

    Python's own function, canceled, may kill the program but not its children, and then waits until
    these have ended, too.

    Raises:
        OSError: the program cannot be started.
    """
    starting = asyncio.create_task(
        asyncio.create_subprocess_exec(*argv, start_new_session=True, **options)
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        with contextlib.suppress(OSError):
            await end(await starting)
        raise


async def end(process: Process) -> None:
    """Kill a program that `started` has returned, and its group; wait until it has ended."""
    _kill_group(process)
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_GONE_WITHIN_S):
            await process.wait()


def _kill_group(process: Process) -> None:
    if sys.platform == "win32":
        with contextlib.suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    else:
        # macOS answers EPERM when only zombies are left.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
