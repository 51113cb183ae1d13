"""Whole files are whole; cut at any place they are not; random bytes are never an error."""

import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from workflows.domain.whole_images import CUT_OFF, EMPTY, why_not_whole

SIZE = (37, 23)


def picture(kind: str, **options: object) -> bytes:
    image = Image.effect_noise(SIZE, 60).convert("RGB")
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exr(compression: int = 3, lines_of_block: int = 16, lines: int = 23) -> bytes:
    """Scan lines of one part; the content of the blocks is not looked at."""
    attributes = (
        (b"compression", b"compression", bytes([compression])),
        (b"dataWindow", b"box2i", struct.pack("<4i", 0, 0, 36, lines - 1)),
    )
    head = b"\x76\x2f\x31\x01" + struct.pack("<I", 2)
    for name, kind, value in attributes:
        head += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    head += b"\0"
    blocks = [struct.pack("<2i", y, 40) + bytes(40) for y in range(0, lines, lines_of_block)]
    start = len(head) + 8 * len(blocks)
    offsets = [start + 48 * number for number in range(len(blocks))]
    return head + struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(blocks)


def hdr() -> bytes:
    line = b"\x02\x02" + struct.pack(">H", 37) + 4 * (bytes([128 + 30, 7, 7]) + bytes(range(7)))
    return b"#?RADIANCE\nFORMAT=32-bit_rle_rgbe\n\n-Y 23 +X 37\n" + 23 * line


def dpx() -> bytes:
    content = bytes(2048)
    return b"SDPX" + bytes(12) + struct.pack(">I", 20 + len(content)) + content


def cineon() -> bytes:
    content = bytes(2048)
    return b"\x80\x2a\x5f\xd7" + bytes(16) + struct.pack(">I", 24 + len(content)) + content


WHOLE = {
    "a.bmp": picture("BMP"),
    "a.cin": cineon(),
    "a.dpx": dpx(),
    "a.exr": exr(),
    "one-line-blocks.exr": exr(compression=0, lines_of_block=1),
    "a.hdr": hdr(),
    "a.jp2": picture("JPEG2000"),
    "a.jpg": picture("JPEG"),
    "progressive.jpeg": picture("JPEG", progressive=True),
    "a.png": picture("PNG"),
    "a.rgb": picture("SGI"),
    "a.tga": picture("TGA"),
    "runs.tga": picture("TGA", compression="tga_rle"),
    "a.tif": picture("TIFF"),
    "deflate.tiff": picture("TIFF", compression="tiff_adobe_deflate"),
    "a.webp": picture("WEBP"),
}
#: Bytes at the end that a file can lose, because they are no part of the picture.
DISPENSABLE = {"a.bmp": 0, "a.tga": 26, "runs.tga": 26}


def why(content: bytes, name: str) -> str:
    return why_not_whole(io.BytesIO(content), name)


@pytest.mark.parametrize("name", WHOLE)
def test_a_whole_file_is_whole(name: str) -> None:
    assert why(WHOLE[name], name) == ""


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_is_cut_at_any_place_is_not_whole(name: str) -> None:
    content = WHOLE[name]
    longest = len(content) - DISPENSABLE.get(name, 0)

    taken = [cut for cut in range(longest) if not why(content[:cut], name)]

    assert taken == []


@pytest.mark.parametrize("name", [*WHOLE, "a.unknown", "without-extension"])
def test_an_empty_file_is_not_whole(name: str) -> None:
    assert why(b"", name) == EMPTY


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_of_another_format_is_not_whole(name: str) -> None:
    other = WHOLE["a.jpg" if name.endswith(".png") else "a.png"]

    assert why(other, name) not in ("", CUT_OFF) or name.endswith(".tga")


def test_the_content_of_a_file_of_an_unknown_format_does_not_count() -> None:
    assert why(b"x", "a.unknown") == ""


def test_the_extension_counts_in_any_case() -> None:
    assert why(WHOLE["a.png"][:-1], "A.PNG") == CUT_OFF


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.exr", "a.hdr"])
def test_a_second_half_of_zeros_is_not_whole(name: str) -> None:
    content = WHOLE[name]
    half = len(content) // 2

    assert why(content[:half] + bytes(len(content) - half), name)


@given(st.sampled_from(sorted(WHOLE)), st.binary(max_size=200))
def test_random_bytes_are_no_error(name: str, content: bytes) -> None:
    why(content, name)


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_files_are_no_error(name: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(st.integers(0, 255))

    why(bytes(content), name)
