"""The host's end of `shim.py --serve`: starts shims within a few milliseconds (POSIX)."""

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from pathlib import Path

from activities.process.programs import end, started

_SHIM = Path(__file__).parent.with_name("shim.py")


class Shims:
    """A process that forks a shim per run. It is started on demand, and again if it dies."""

    def __init__(self) -> None:
        self._process: Process | None = None
        self._one_at_a_time = asyncio.Lock()

    async def warm_up(self) -> None:
        """Start the process before it is needed."""
        async with self._one_at_a_time:
            await self._running()

    async def begin(self, run_directory: Path) -> int:
        """Start a shim on this directory; return its pid.

        Raises:
            OSError: the shim cannot be started.
        """
        async with self._one_at_a_time:
            try:
                return await self._ask(run_directory)
            except (OSError, ValueError):
                # The server died. If a shim began anyway, the second one finds its claim and ends.
                await self._end()
                return await self._ask(run_directory)

    async def close(self) -> None:
        """End the process; the shims go on."""
        async with self._one_at_a_time:
            await self._end()

    async def _ask(self, run_directory: Path) -> int:
        process = await self._running()
        if process.stdin is None or process.stdout is None:
            raise AssertionError("started with pipes")
        process.stdin.write(bytes(run_directory) + b"\n")
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer:
            raise OSError("the shim server ended")
        return int(answer)

    async def _running(self) -> Process:
        if self._process is None or self._process.returncode is not None:
            self._process = await started(
                sys.executable,
                *("-I", "-S", str(_SHIM), "--serve"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
            )
        return self._process

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            await end(process)
