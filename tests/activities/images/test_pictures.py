"""Pictures from outside are decoded in a process of its own, within limits."""

import io
import os
import resource
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from PIL import Image

from activities.images import pictures
from activities.images.pictures import FRAMES, NoPreview, jpegs

SIZES = [(60, 30), (20, 10)]


def picture(form: str = "PNG", mode: str = "RGB", size: tuple[int, int] = (80, 40)) -> bytes:
    content = io.BytesIO()
    Image.new(mode, size).save(content, form)
    return content.getvalue()


def write_largest(file: Path, mode: str) -> None:
    """In a process of its own, since the peak of this one is measured."""
    write = f"from PIL import Image; Image.new({mode!r}, (16384, 8192)).save({str(file)!r})"
    subprocess.run([sys.executable, "-c", write], check=True)


def sizes_of(made: list[bytes]) -> list[tuple[int, int]]:
    return [Image.open(io.BytesIO(jpeg)).size for jpeg in made]


async def test_a_file_and_its_content_are_read_alike(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(picture())

    assert sizes_of(await jpegs(tmp_path / "a.png", SIZES)) == SIZES
    assert sizes_of(await jpegs(picture(), SIZES)) == SIZES


async def test_nothing_is_decoded_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object, **__: object) -> None:
        raise AssertionError

    content = picture()
    monkeypatch.setattr(Image.Image, "load", never)
    monkeypatch.setattr(Image, "open", never)

    assert len(await jpegs(content, SIZES)) == 2


@pytest.mark.parametrize("content", [picture("GIF"), picture("BMP"), picture("TIFF"), b"GIF89a"])
async def test_only_the_named_formats_are_read(content: bytes) -> None:
    with pytest.raises(NoPreview, match="its format has no preview"):
        await jpegs(content, SIZES, {"PNG": 2**20, "JPEG": 2**20})


async def test_the_size_is_looked_at_before_the_pixels() -> None:
    with pytest.raises(NoPreview, match="80 by 40 pixels, too many"):
        await jpegs(picture(), SIZES, {"PNG": 80 * 40 - 1})


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
async def test_the_largest_frame_is_shown_and_takes_none_of_our_memory(
    tmp_path: Path, mode: str
) -> None:
    file = tmp_path / "a.png"
    write_largest(file, mode)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    made = await jpegs(file, [(640, 640)])

    assert FRAMES["PNG"] == 16384 * 8192
    assert sizes_of(made) == [(640, 320)]
    # In kB on Linux; the picture's pixels would be 400,000 at least.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000


async def test_a_decoder_that_needs_too_much_memory_ends_with_a_sentence() -> None:
    small, large = (struct.pack(">4s2I", b"IHDR", *size) for size in ((80, 40), (60_000, 60_000)))
    rest = bytes((8, 2, 0, 0, 0))  # 8 bits, three colors
    content = picture().replace(small, large)
    end = content.index(large) + len(large) + len(rest)
    content = content[:end] + struct.pack(">I", zlib.crc32(large + rest)) + content[end + 4 :]

    with pytest.raises(NoPreview, match="it takes too much memory"):
        await jpegs(content, SIZES, {"PNG": 2**40})


async def test_a_decoder_that_takes_too_long_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(tmp_path / "never")
    monkeypatch.setattr(pictures, "_WITHIN_S", 0.5)

    with pytest.raises(NoPreview, match="it took longer"):
        await jpegs(tmp_path / "never", SIZES)
