"""Scales rendered frames to the sequence viewer's sizes, and keeps them on the manager's disk.

Each frame's file has a folder of its own for its pictures, so that no request looks at those of
other frames.
"""

import asyncio
import contextlib
import logging
import os
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from activities.images.pictures import NoPreview, jpegs
from manager_api.contract.errors import TryAgain
from manager_api.whole_files import write_whole

#: Few widths, so that all pages share the kept images. The heights follow from the widths.
WIDTHS = (320, 640, 1280, 1920)
#: 1 GiB, about 10,000 frames of width 1280.
MAX_KEPT_BYTES = 2**30
_PRUNE_EVERY = 100
#: Frames decoded at the same time, each in a child process. They are few, because the
#: manager's other work and rendering are more important.
_AT_ONCE = max(1, min(4, (os.cpu_count() or 2) // 2))
_MAX_WAITING = 256

#: Earlier contents of one file whose images are kept.
MAX_EARLIER = 5
#: Matches the names of kept images.
_KEPT = re.compile(r"(?P<content>[0-9a-f]{1,16}\.[0-9a-f]{1,16})-(?P<width>\d{1,5})\.jpg")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier content of a frame's file, of which an image is kept."""

    content: str
    """The end of the content's key: when the file was changed, and its size."""
    width: int
    """The largest width that is kept, one of `WIDTHS`."""

    @property
    def saved_ns(self) -> int:
        """Nanoseconds since 1970."""
        return int(self.content.partition(".")[0], 16)


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
        file, _, content = key.partition("-")
        kept = self._folder / file / f"{content}-{width}.jpg"
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

    def earlier(self, key: str) -> list[Earlier]:
        """Return the kept images of the same file's earlier contents, newest first. Blocks."""
        file, _, current = key.partition("-")
        largest: dict[str, int] = {}
        for name in _names(self._folder / file):
            match = _KEPT.fullmatch(name)
            if match and match["content"] != current:
                content, width = match["content"], int(match["width"])
                largest[content] = max(width, largest.get(content, 0))
        versions = [Earlier(content, width) for content, width in largest.items()]
        return sorted(versions, key=lambda version: version.saved_ns, reverse=True)

    def earlier_jpeg(self, key: str, content: str) -> bytes | None:
        """Return the largest kept image of an earlier content of a file. Blocks."""
        for version in self.earlier(key):
            if version.content == content:
                file = key.partition("-")[0]
                return _kept(self._folder / file / f"{content}-{version.width}.jpg")
        return None


def key_of(path: Path, stat: os.stat_result) -> str:
    """Return a key of the file, then of its content, which changes when it is rendered again."""
    file = sha256(str(path).encode()).hexdigest()[:32]
    return f"{file}-{stat.st_mtime_ns:x}.{stat.st_size:x}"


def fitting(width: int) -> int:
    """Return the smallest of `WIDTHS` that is at least `width`; otherwise the largest."""
    return next((each for each in WIDTHS if each >= width), WIDTHS[-1])


def prune(folder: Path, max_bytes: int) -> None:
    """If the kept images exceed `max_bytes`, delete the least recently used until 10 % are free."""
    files = dict(_files(folder))
    total = sum(stat.st_size for stat in files.values())
    if total <= max_bytes:
        return
    for path, stat in sorted(files.items(), key=lambda file: file[1].st_mtime):
        if total <= 0.9 * max_bytes:
            return
        _delete(path)
        total -= stat.st_size


def _files(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield all files below the folder. Other requests may delete some of them meanwhile."""
    for at, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield (path := Path(at, name)), path.stat()


def _delete_outdated(folder: Path) -> None:
    """Delete images of contents older than the last `MAX_EARLIER` of the file of this folder."""
    by_time: defaultdict[int, list[Path]] = defaultdict(list)
    for name in _names(folder):
        if match := _KEPT.fullmatch(name):
            by_time[Earlier(match["content"], 0).saved_ns].append(folder / name)
    for saved_ns in sorted(by_time, reverse=True)[MAX_EARLIER + 1 :]:
        for path in by_time[saved_ns]:
            path.unlink(missing_ok=True)


def _names(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:  # No image of this file was made.
        return []


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        path.unlink()
        # The last one of its frame. A folder that is not empty stays.
        path.parent.rmdir()


def _kept(path: Path) -> bytes | None:
    try:
        content = path.read_bytes()
        os.utime(path)
    except OSError:
        return None
    return content


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content)
    _delete_outdated(path.parent)
