"""Starts shims on Windows, each as a process that outlives the host."""

import asyncio
import logging
import subprocess
import sys
from pathlib import Path

from worker_host.processes import windows_api as api

# Tells the type checker, too, that the rest is for Windows only.
assert sys.platform == "win32"

logger = logging.getLogger(__name__)

_SHIM = Path(__file__).parent.with_name("shim.py")
#: A console of its own, which no window shows: what a run starts shares it, and what happens to
#: the host's window or to Ctrl-C there does not reach it.
_APART = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP


class Shims:
    """Starts a shim per run."""

    def __init__(self) -> None:
        self._begun: list[subprocess.Popen[bytes]] = []

    async def warm_up(self) -> None:
        """Do nothing: there is nothing to start before it is needed."""

    async def begin(self, run_directory: Path) -> int:
        """Start a shim on this directory; return its pid.

        Raises:
            OSError: the shim cannot be started.
        """
        self._begun = [shim for shim in self._begun if shim.poll() is None]
        shim = await asyncio.to_thread(_start, run_directory)
        self._begun.append(shim)
        return shim.pid

    async def close(self) -> None:
        """Forget the shims; they go on."""
        for shim in self._begun:
            # It is no child to wait for, so no warning that it still runs.
            shim.returncode = shim.returncode or 0
        self._begun.clear()


def _start(run_directory: Path) -> "subprocess.Popen[bytes]":
    try:
        return _started(run_directory, subprocess.CREATE_BREAKAWAY_FROM_JOB)
    except PermissionError:
        # Who started the host has put it in a job that nothing may leave.
        logger.warning(
            "the runs end with this host: it was started in a job that they cannot leave"
        )
        return _started(run_directory, 0)


def _started(run_directory: Path, flags: int) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [api.python_without_launcher(), "-I", "-S", str(_SHIM), str(run_directory)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        creationflags=_APART | flags,
    )
