"""Sends previews of rendered frames: only the newest one, without older ones (reference 5.2)."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx

from activities.images.pictures import FITS_IN, NoPreview, jpegs
from worker_host.run_spec import RunRefused
from workflows.domain.messages import RunKey

logger = logging.getLogger(__name__)

Send = Callable[[RunKey, bytes], Awaitable[None]]


class Previews:
    """Sends one image at a time, and of the images saved meanwhile only the newest."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._newest: tuple[RunKey, Path] | None = None
        self._is_wanted = asyncio.Event()

    def saved(self, key: RunKey, path: Path) -> None:
        self._newest = (key, path)
        self._is_wanted.set()

    async def run(self) -> None:
        """Send previews until canceled."""
        while True:
            await self._is_wanted.wait()
            self._is_wanted.clear()
            if self._newest is not None:
                (key, path), self._newest = self._newest, None
                await self._preview(key, path)

    async def _preview(self, key: RunKey, path: Path) -> None:
        # A preview is an extra: a problem with it must not fail a task.
        try:
            [jpeg] = await jpegs(path, [FITS_IN])
            await self._send(key, jpeg)
        except (NoPreview, OSError) as error:
            logger.warning("no preview of %s: %s", path.name, error, extra={"job": key.job_id})
        except (httpx.HTTPError, RunRefused) as error:
            logger.warning(
                "the manager did not take a preview: %s", error, extra={"job": key.job_id}
            )
