"""Scales the last rendered image of each job to the sizes that clients show.

Each job has one waiting place, and a newer image replaces the waiting one. In Flamenco the whole
farm has three places, so a job that sends many images can crowd out the others.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path

from activities.images.pictures import NoPreview, jpegs
from manager_api.contract.errors import TooMany
from manager_api.whole_files import write_whole

#: File names, and the sizes that the images fit in; source: Flamenco. The largest comes first.
SIZES: Mapping[str, tuple[int, int]] = {
    "last-rendered.jpg": (1920, 1080),
    "last-rendered-small.jpg": (600, 338),
    "last-rendered-tiny.jpg": (200, 112),
}
SMALLEST = "last-rendered-tiny.jpg"
FORMATS: Mapping[str, str] = {"image/jpeg": "JPEG", "image/png": "PNG"}
#: Most pixels of an image. A JPEG is decoded at a fraction of its size, so it may have 16k by 8k
#: pixels. A PNG has all pixels in memory at once, so 8k UHD is the limit, about 300 MB.
_MOST_PIXELS: Mapping[str, int] = {"JPEG": 2**27, "PNG": 2**25}
#: Most jobs with a waiting image. With the largest images allowed, they take 400 MB.
_PLACES = 16

logger = logging.getLogger(__name__)

Directory = Callable[[str], Path]
Shown = Callable[[str], Awaitable[bool]]


class LastRendered:
    def __init__(self, directory: Directory, shown: Shown) -> None:
        """
        Args:
            directory: returns a job's directory, by job id.
            shown: called with the id of a job that has a new image; returns False if the job
                does not exist any more.
        """
        self._directory = directory
        self._shown = shown
        self._waiting: dict[str, tuple[str, bytes]] = {}
        self._is_offered = asyncio.Event()

    def offer(self, job_id: str, media_type: str, image: bytes) -> None:
        """Queue an image, to be scaled in the background.

        Raises:
            TooMany: the images of too many other jobs wait.
        """
        if job_id not in self._waiting and len(self._waiting) >= _PLACES:
            raise TooMany("too many images are waiting to be processed")
        self._waiting[job_id] = (media_type, image)
        self._is_offered.set()

    def forget(self, job_id: str) -> None:
        """Drop the waiting image of a job that is being deleted."""
        self._waiting.pop(job_id, None)

    async def run(self) -> None:
        """Scale the queued images until canceled; drop the images that wait then."""
        while True:
            await self._is_offered.wait()
            self._is_offered.clear()
            try:
                await self._work_off()
            except Exception:
                # A bug must not end this loop: it may concern this image only.
                logger.exception("an image could not be scaled")

    def has_image(self, job_id: str) -> bool:
        return (self._directory(job_id) / SMALLEST).is_file()

    def times(self, job_ids: Iterable[str]) -> dict[str, datetime]:
        """Return when the images were made, by job id, for the jobs that have one. Blocks."""
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
                await scale(self._directory(job_id), media_type, image)
            except (NoPreview, OSError) as error:
                # It was no image, or the disk is full. The worker gets no error, as in Flamenco.
                logger.warning("image dropped", extra={"job": job_id, "reason": str(error)})
                continue
            if not await self._shown(job_id):
                await asyncio.to_thread(_remove, self._directory(job_id))


async def scale(directory: Path, media_type: str, content: bytes) -> None:
    """Write the image in each size; none is enlarged.

    Raises:
        NoPreview: the content is not such an image, or one that is too large.
        OSError: the disk refuses.
    """
    name = FORMATS[media_type]
    made = await jpegs(content, list(SIZES.values()), {name: _MOST_PIXELS[name]})
    await asyncio.to_thread(_write, directory, dict(zip(SIZES, made, strict=True)))


def _remove(directory: Path) -> None:
    """Delete the images of a job that was deleted while they were being made."""
    for name in SIZES:
        (directory / name).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # the directory holds logs
        directory.rmdir()
        directory.parent.rmdir()


def _write(directory: Path, images: Mapping[str, bytes]) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    for name, image in images.items():
        write_whole(directory / name, image)
