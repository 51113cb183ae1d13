"""Previews of rendered frames: the newest one is sent, older ones make way (reference 5.2)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
from PIL import Image

from activities.images.frame_images import as_jpeg, exr_as_jpeg, is_exr
from worker_host.run_spec import RunRefused
from workflows.domain.messages import RunKey

logger = logging.getLogger(__name__)

Send = Callable[[RunKey, bytes], Awaitable[None]]


class Previews:
    """Sends one image at a time; of those that are saved meanwhile only the newest."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._newest: tuple[RunKey, Path] | None = None
        self._is_wanted = asyncio.Event()

    def saved(self, key: RunKey, path: Path) -> None:
        self._newest = (key, path)
        self._is_wanted.set()

    async def run(self) -> None:
        """Until canceled."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            if self._newest is not None:
                (key, path), self._newest = self._newest, None
                await self._preview(key, path)

    async def _preview(self, key: RunKey, path: Path) -> None:
        # A preview is a courtesy: whatever is wrong with it must not cost a frame.
        try:
            if await asyncio.to_thread(is_exr, path):
                jpeg: bytes | None = await exr_as_jpeg(path)
            else:
                jpeg = await asyncio.to_thread(as_jpeg, path)
            if jpeg is not None:
                await self._send(key, jpeg)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            logger.warning("no preview of %s: %s", path.name, error, extra={"job": key.job_id})
        except (httpx.HTTPError, RunRefused) as error:
            logger.warning("a preview was not taken: %s", error, extra={"job": key.job_id})
