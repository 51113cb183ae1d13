"""Previews of rendered frames: the newest one is sent, older ones make way (reference 5.2)."""

import asyncio
import io
import logging
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from subprocess import DEVNULL, PIPE

import httpx
from PIL import Image, UnidentifiedImageError

from worker_host.run_spec import RunRefused
from workflows.domain.messages import RunKey

logger = logging.getLogger(__name__)

#: What Pillow may open; everything else that Blender writes is passed over, but for OpenEXR.
FORMATS = ("JPEG", "PNG", "TIFF")
_QUALITY = 85
_EXR_MAGIC = b"\x76\x2f\x31\x01"
_EXR_WITHIN_S = 120.0

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
            is_exr = await asyncio.to_thread(_is_exr, path)
            jpeg = await exr_as_jpeg(path) if is_exr else await asyncio.to_thread(as_jpeg, path)
            if jpeg is not None:
                await self._send(key, jpeg)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            logger.warning("no preview of %s: %s", path.name, error, extra={"job": key.job_id})
        except (httpx.HTTPError, RunRefused) as error:
            logger.warning("a preview was not taken: %s", error, extra={"job": key.job_id})


def _is_exr(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_EXR_MAGIC)) == _EXR_MAGIC


async def exr_as_jpeg(path: Path) -> bytes:
    """Made by a child: a decoder of that size has bugs, and a host has renders to lose.

    Raises:
        ValueError: there is no preview of it; the text says why.
    """
    program = Path(__file__).with_name("exr.py")
    # -P: what lies beside the program must not be taken for the standard library.
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", str(program), str(path)), stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(_EXR_WITHIN_S):
            jpeg, words = await child.communicate()
    except TimeoutError:
        raise ValueError(f"it took longer than {_EXR_WITHIN_S:g} s") from None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if child.returncode:
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        raise ValueError(last[:200] or f"its decoder ended with code {child.returncode}")
    return jpeg


def as_jpeg(path: Path) -> bytes | None:
    """At full size; None for a format that has no preview."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            image.load()
            jpeg = io.BytesIO()
            _opaque(image).save(jpeg, "JPEG", quality=_QUALITY)
            return jpeg.getvalue()
    except UnidentifiedImageError:
        return None


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of gray
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return image.convert("RGB")
