"""Scales rendered frames to the sequence viewer's sizes, and keeps them on the manager's disk."""

import asyncio
import contextlib
import logging
import os
from hashlib import sha256
from pathlib import Path
from uuid import uuid4

from activities.images.pictures import NoPreview, jpegs
from manager_api.contract.errors import TryAgain

#: Few widths, so that all pages share the kept images. The heights follow from the widths.
WIDTHS = (320, 640, 1280, 1920)
#: 1 GiB, about 10,000 frames of width 1280.
MAX_KEPT_BYTES = 2**30
_PRUNE_EVERY = 100
#: Frames decoded at the same time, each in a child process. They are few, because the
#: manager's other work and rendering are more important.
_AT_ONCE = max(1, min(4, (os.cpu_count() or 2) // 2))
_MAX_WAITING = 256

logger = logging.getLogger(__name__)


class FrameImages:
    def __init__(self, folder: Path, max_kept_bytes: int = MAX_KEPT_BYTES) -> None:
        self._folder = folder
        self._max_kept_bytes = max_kept_bytes
        self._decoders = asyncio.Semaphore(_AT_ONCE)
        self._waiting = 0
        self._written = 0

    async def jpeg(self, path: Path, key: str, width: int) -> bytes:
        """Return the frame as a JPEG, from the kept images if possible.

        Args:
            path: the frame's file.
            key: the key of the file's content; see `key_of`.
            width: one of `WIDTHS`, in pixels.

        Raises:
            NoPreview: the file cannot be shown as an image.
            TryAgain: too many frames wait to be decoded.
        """
        kept = self._folder / f"{key}-{width}.jpg"
        if (jpeg := await asyncio.to_thread(_kept, kept)) is not None:
            return jpeg
        if self._waiting >= _MAX_WAITING:
            raise TryAgain("too many frames are waiting to be made smaller")
        self._waiting += 1
        try:
            async with self._decoders:
                # An earlier request may have made the same image meanwhile.
                jpeg = await asyncio.to_thread(_kept, kept)
                return await self._made(path, kept, width) if jpeg is None else jpeg
        finally:
            self._waiting -= 1

    async def _made(self, path: Path, kept: Path, width: int) -> bytes:
        try:
            [jpeg] = await jpegs(path, [(width, width * 4)])
        except OSError as error:
            raise NoPreview(f"its decoder does not start: {error}") from error
        try:
            await asyncio.to_thread(_keep, kept, jpeg)
            self._written += 1
            if self._written % _PRUNE_EVERY == 1:
                await asyncio.to_thread(prune, self._folder, self._max_kept_bytes)
        except OSError as error:
            logger.warning("frame not kept", extra={"path": str(kept), "reason": str(error)})
        return jpeg


def key_of(path: Path, stat: os.stat_result) -> str:
    """Return a key that changes when the frame is rendered again."""
    return sha256(f"{path}\0{stat.st_mtime_ns}\0{stat.st_size}".encode()).hexdigest()[:32]


def fitting(width: int) -> int:
    """Return the smallest of `WIDTHS` that is at least `width`; otherwise the largest."""
    return next((each for each in WIDTHS if each >= width), WIDTHS[-1])


def prune(folder: Path, max_bytes: int) -> None:
    """If the files exceed `max_bytes`, delete the least recently used until 10 % are free."""
    with os.scandir(folder) as found:
        files = [(entry.stat(), entry.path) for entry in found]
    total = sum(stat.st_size for stat, _ in files)
    if total <= max_bytes:
        return
    for stat, path in sorted(files, key=lambda file: file[0].st_mtime):
        if total <= 0.9 * max_bytes:
            return
        with contextlib.suppress(OSError):
            os.remove(path)
        total -= stat.st_size


def _kept(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return content


def _keep(path: Path, content: bytes) -> None:
    """Write the file in one step: a reader finds the whole file or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.stem}-{uuid4().hex[:8]}.tmp")
    unfinished.write_bytes(content)
    os.replace(unfinished, path)
