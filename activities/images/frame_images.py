"""Makes JPEGs of rendered frames for people to look at: the last-rendered one, or any frame."""

import asyncio
import io
import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

from PIL import Image, UnidentifiedImageError

#: The formats that Pillow may open. Of Blender's other formats only OpenEXR has a preview.
FORMATS = ("JPEG", "PNG", "TIFF")
#: 16k by 8k, as for OpenEXR.
MAX_PIXELS = 2**27
_QUALITY = 85
_EXR_MAGIC = b"\x76\x2f\x31\x01"
_EXR_WITHIN_S = 120.0

Size = tuple[int, int]


def is_exr(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(_EXR_MAGIC)) == _EXR_MAGIC


async def exr_as_jpeg(path: Path) -> bytes:
    """Return the frame as a JPEG, made by a child process.

    A decoder that large has bugs, and a crash of the host would cost renders.

    Raises:
        ValueError: there is no preview of the file; the text says why.
    """
    program = Path(__file__).with_name("exr.py")
    # -P keeps files beside the program from being imported as the standard library.
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


def as_jpeg(path: Path, fits_in: Size | None = None) -> bytes | None:
    """Return the image as a JPEG; None for a format that has no preview.

    Args:
        fits_in: the JPEG's largest size in pixels; None means the image's own size.

    Raises:
        OSError, ValueError, SyntaxError, Image.DecompressionBombError: the image is not readable,
            or too large.
    """
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"it has {image.width} by {image.height} pixels")
            if fits_in is not None:
                # The decoder can shrink a JPEG to half its size or less.
                image.draft("RGB", fits_in)
            image.load()
            return _written(_opaque(image), fits_in)
    except UnidentifiedImageError:
        return None


def shrunk(jpeg: bytes, fits_in: Size) -> bytes:
    """Return one of our JPEGs at a smaller size; it is never enlarged."""
    with Image.open(io.BytesIO(jpeg), formats=("JPEG",)) as image:
        image.load()
        return _written(image, fits_in)


def _written(image: Image.Image, fits_in: Size | None) -> bytes:
    if fits_in is not None:
        image.thumbnail(fits_in, Image.Resampling.LANCZOS)
    jpeg = io.BytesIO()
    image.save(jpeg, "JPEG", quality=_QUALITY)
    return jpeg.getvalue()


def _opaque(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits of gray
        return image.point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        black = Image.new("RGBA", image.size, (0, 0, 0, 255))
        image = Image.alpha_composite(black, image)
    return image.convert("RGB")
