"""The last image that each job has rendered, scaled for people to look at.

Unlike Flamenco's three places for the whole farm, each job has one place, where a newer image
takes that of an older one, so a chatty job cannot starve the others.
"""

import asyncio
import contextlib
import io
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image

from manager_api.contract.errors import TooMany

#: File names and sizes they fit in; source: Flamenco. Larger ones come first.
SIZES: Mapping[str, tuple[int, int]] = {
    "last-rendered.jpg": (1920, 1080),
    "last-rendered-small.jpg": (600, 338),
    "last-rendered-tiny.jpg": (200, 112),
}
SMALLEST = "last-rendered-tiny.jpg"
FORMATS: Mapping[str, str] = {"image/jpeg": "JPEG", "image/png": "PNG"}
_QUALITY = 85
#: 16k by 8k. A JPEG is decoded at a fraction of its size; of a PNG all pixels are in memory at
#: once, so 8k UHD must do, or some 300 MB.
_MOST_PIXELS: Mapping[str, int] = {"JPEG": 2**27, "PNG": 2**25}
_LONGEST_SIDE = 2**16 - 1
#: Jobs whose image waits. With the largest images allowed, that is 400 MB.
_PLACES = 16
_NO_IMAGE = (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError)

logger = logging.getLogger(__name__)

Directory = Callable[[str], Path]
Shown = Callable[[str], Awaitable[bool]]


class LastRendered:
    def __init__(self, directory: Directory, shown: Shown) -> None:
        """
        Args:
            directory: of a job, by its id.
            shown: called with the id of a job whose image is new; false when there is no such
                job any more.
        """
        self._directory = directory
        self._shown = shown
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._is_offered = asyncio.Event()

    def offer(self, job_id: str, media_type: str, image: bytes) -> None:
        """Takes an image to be scaled in the background.

        Raises:
            TooMany: images of too many other jobs wait.
        """
        if job_id not in self._waiting and len(self._waiting) >= _PLACES:
            raise TooMany("too many images are waiting to be processed")
        self._waiting[job_id] = (media_type, image)
        self._is_offered.set()

    def forget(self, job_id: str) -> None:
        """The job is being deleted."""
        self._waiting.pop(job_id, None)

    async def run(self) -> None:
        """Until canceled; what waits then is given up."""
        while True:
            await self._is_offered.wait()
            self._is_offered.clear()
            try:
                await self._work_off()
            except Exception:
                # A bug must not end it: the next image may be another.
                logger.exception("an image could not be scaled")

    def has_image(self, job_id: str) -> bool:
        return (self._directory(job_id) / SMALLEST).is_file()

    def times(self, job_ids: Iterable[str]) -> dict[str, datetime]:
        """When each job's image was made, of those that have one; asks the disk."""
        found = {}
        for job_id in job_ids:
            with contextlib.suppress(OSError):
                made = (self._directory(job_id) / SMALLEST).stat().st_mtime
                found[job_id] = datetime.fromtimestamp(made, UTC)
        return found

    async def _work_off(self) -> None:
        while self._waiting:
            job_id = next(iter(self._waiting))
            media_type, image = self._waiting.pop(job_id)
            try:
                await asyncio.to_thread(scale, self._directory(job_id), media_type, image)
            except _NO_IMAGE as error:
                # Pillow's words for an image that is none; workers are not told, as in Flamenco.
                logger.warning("image dropped", extra={"job": job_id, "reason": str(error)})
                continue
            if not await self._shown(job_id):
                await asyncio.to_thread(_remove, self._directory(job_id))


def scale(directory: Path, media_type: str, content: bytes) -> None:
    """Writes the image in each size, each made from the one before, never enlarged."""
    directory.mkdir(parents=True, exist_ok=True)
    with Image.open(io.BytesIO(content), formats=[FORMATS[media_type]]) as opened:
        _check_size(opened)
        # A JPEG can be decoded at half its size or less, which saves most of the memory.
        largest = next(iter(SIZES.values()))
        opened.draft("RGB", largest)
        image = _in_color(opened)
        image.thumbnail(largest, Image.Resampling.LANCZOS)
        image = _on_black(image)
    for name, size in SIZES.items():
        image.thumbnail(size, Image.Resampling.LANCZOS)
        _write(image, directory / name)


def _remove(directory: Path) -> None:
    """What was scaled while its job was being deleted."""
    for name in SIZES:
        (directory / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # logs are in it
        directory.rmdir()
        directory.parent.rmdir()


def _check_size(image: Image.Image) -> None:
    """Looks before anything is decoded: a small file can be a large image.

    Raises:
        ValueError: it would take more memory than a preview is worth.
    """
    width, height = image.size
    pixels = _MOST_PIXELS[image.format or ""]
    if width * height > pixels or max(width, height) > _LONGEST_SIDE:
        raise ValueError(f"it has {width} by {height} pixels, too many for a preview")


def _in_color(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16 bits of grey, of which a JPEG has 8.
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in ("RGB", "RGBA"):
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_black(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    colored = image.convert("RGBA")
    black = Image.new("RGBA", colored.size, "black")
    return Image.alpha_composite(black, colored).convert("RGB")


def _write(image: Image.Image, path: Path) -> None:
    """Whoever looks at it meanwhile sees the old one or the new one."""
    unfinished = path.with_suffix(".tmp")
    image.save(unfinished, format="JPEG", quality=_QUALITY)
    os.replace(unfinished, path)
