"""Follows one run's log: sends its bytes to the manager, and reads Blender's progress from it."""

import asyncio
import contextlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from worker_host.blender_output import FrameSaved, Progress
from worker_host.run_directory import RunDirectory
from worker_host.run_spec import Command, RunHooks
from workflows.domain.messages import RunKey

CHUNK = 64 * 1024
_RETRY_S = 1.0


class LogTail:
    """Two readers of one log: progress must not wait for a manager that is away."""

    def __init__(
        self,
        key: RunKey,
        directory: RunDirectory,
        commands: tuple[Command, ...],
        hooks: RunHooks,
        poll_s: float,
        *,
        is_adopted: bool,
    ) -> None:
        self._key = key
        self._directory = directory
        self._hooks = hooks
        self._poll_s = poll_s
        self._ended = asyncio.Event()
        self._progress = Progress(commands)
        self._pending = b""
        self.is_stored = False
        """Whether the manager has the whole log."""
        # Images from before a restart have been reported already.
        self._images_from = directory.log_size() if is_adopted else 0

    def progress(self) -> dict[str, Any]:
        return dict(self._progress.shown())

    def run_ended(self) -> None:
        """Note that the log is complete, so that both readers end."""
        self._ended.set()

    async def follow_progress(self) -> None:
        """Report progress from the log until its end."""
        offset = 0
        shown: Mapping[str, Any] = {}
        while (data := self._directory.read_log(offset, CHUNK)) or await self._may_grow(offset):
            offset += len(data)
            self._take_in(data, offset)
            if shown != (shown := self._progress.shown()):
                self._hooks.progressed(self._key, shown)
            await asyncio.sleep(0)

    async def upload(self) -> None:
        """Send the log until the manager has all of it."""
        acked = self._directory.acked()
        while (data := self._directory.read_log(acked, CHUNK)) or await self._may_grow(acked):
            if not data:
                continue
            try:
                acked = await self._hooks.log_written(self._key, acked, data)
            except OSError:
                await asyncio.sleep(_RETRY_S)
                continue
            # If the disk is full, the offset is lost and a part of the log is sent again later.
            with contextlib.suppress(OSError):
                self._directory.keep_acked(acked)
        self.is_stored = True

    async def _may_grow(self, offset: int) -> bool:
        """Wait a little; return False if the log is complete and ends at `offset`."""
        if self._ended.is_set():
            # The run may have ended after our last read; the rest of its log is there now.
            return self._directory.log_size() > offset
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._poll_s):
                await self._ended.wait()
        return True

    def _take_in(self, data: bytes, offset: int) -> None:
        *lines, self._pending = (self._pending + data).split(b"\n")
        for line in lines:
            for event in self._progress.feed(line.decode("utf-8", "replace")):
                if isinstance(event, FrameSaved) and offset > self._images_from:
                    self._hooks.image_saved(self._key, Path(event.path))
