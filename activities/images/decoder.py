"""Converts a picture to JPEGs; a program that `pictures.py` starts for each picture.

`python -m activities.images.decoder SIZES FORMATS [FILE]` reads the file, or else its standard
input. Pictures come from anywhere, so this process has limits for memory and time, and checks a
picture's size before it reads its pixels.
"""

import io
import os
import struct
import sys
from collections.abc import Iterator, Mapping, Sequence

from PIL import Image, UnidentifiedImageError

_QUALITY = 85
_MAX_CPU_S = 60
_MAX_MEMORY = 4 * 2**30
_LONGEST_SIDE = 2**16 - 1
_EXR_MAGIC = b"\x76\x2f\x31\x01"


def jpegs(
    file: str | bytes, sizes: Sequence[tuple[int, int]], formats: Mapping[str, int]
) -> Iterator[bytes]:
    """Yield the picture as a JPEG of each size; each is made from the one before.

    Raises:
        ValueError: the picture cannot be shown; the text says why.
        OSError, RuntimeError, SyntaxError: the file is not readable.
    """
    image = _exr(file, formats["EXR"]) if _is_exr(file, formats) else _other(file, sizes, formats)
    # Made smaller first, because each of the other steps makes a copy.
    image.thumbnail(sizes[0], Image.Resampling.LANCZOS)
    image = _on_black(image)
    for size in sizes:
        image.thumbnail(size, Image.Resampling.LANCZOS)
        jpeg = io.BytesIO()
        image.save(jpeg, "JPEG", quality=_QUALITY)
        yield jpeg.getvalue()


def _is_exr(file: str | bytes, formats: Mapping[str, int]) -> bool:
    if "EXR" not in formats or isinstance(file, bytes):
        return False
    with open(file, "rb") as opened:
        return opened.read(len(_EXR_MAGIC)) == _EXR_MAGIC


def _exr(file: str | bytes, most_pixels: int) -> Image.Image:
    # Imported here, because the import takes longer than most pictures.
    from activities.images.exr import as_image

    return as_image(str(file), most_pixels)


def _other(
    file: str | bytes, sizes: Sequence[tuple[int, int]], formats: Mapping[str, int]
) -> Image.Image:
    Image.MAX_IMAGE_PIXELS = None  # `_check_size` has limits of its own
    wanted = [name for name in formats if name != "EXR"]
    try:
        image = Image.open(io.BytesIO(file) if isinstance(file, bytes) else file, formats=wanted)
    except UnidentifiedImageError:
        raise ValueError("its format has no preview") from None
    _check_size(image, formats[image.format or ""])
    # A JPEG can be decoded at half its size or less, which saves most of the memory.
    image.draft("RGB", sizes[0])
    return _in_color(image)


def _check_size(image: Image.Image, most_pixels: int) -> None:
    width, height = image.size
    if width * height > most_pixels or max(width, height) > _LONGEST_SIDE:
        raise ValueError(f"it has {width} by {height} pixels, too many for a preview")


def _in_color(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16 bits of gray; a JPEG has 8 bits.
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


def main() -> None:
    """Write each JPEG after its length to standard output, or a sentence to standard error."""
    _limit_ourselves()
    sizes_word, formats_word, *path = sys.argv[1:]
    sizes = [(int(size.split("x")[0]), int(size.split("x")[1])) for size in sizes_word.split(",")]
    formats = {pair.split("=")[0]: int(pair.split("=")[1]) for pair in formats_word.split(",")}
    try:
        made = list(jpegs(path[0] if path else sys.stdin.buffer.read(), sizes, formats))
    except MemoryError:
        sys.exit("it takes too much memory")
    except (ValueError, RuntimeError, OSError, SyntaxError, TypeError) as refusal:
        sys.exit(str(refusal) or "the file cannot be decoded")
    for jpeg in made:
        sys.stdout.buffer.write(struct.pack(">I", len(jpeg)) + jpeg)


def _limit_ourselves() -> None:
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_MAX_MEMORY, _MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CPU, (_MAX_CPU_S, _MAX_CPU_S))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(10)  # renders come first


if __name__ == "__main__":
    main()
