"""Whole files are whole; cut at any place they are not; random bytes are never an error."""

import io
import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tests.domain.exr_files import deep_exr, exr, noise, tiled_exr, written_exr
from workflows.domain.image_reader import CUT_OFF
from workflows.domain.whole_images import EMPTY, ZEROS, why_not_whole

SIZE = (37, 23)


def picture(kind: str, **options: object) -> bytes:
    image = Image.effect_noise(SIZE, 60).convert("RGB")
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


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
    "tiles.exr": tiled_exr(mode=0, tiles=3 * 2),
    # 8 levels when they are rounded down, and 9 when they are rounded up.
    "levels.exr": tiled_exr(mode=1, tiles=6 + 2 + 6),
    "levels-up.exr": tiled_exr(mode=0x11, tiles=6 + 2 + 7),
    "levels-of-both.exr": tiled_exr(mode=2, tiles=(3 + 2 + 6) * (2 + 6)),
    "deep.exr": deep_exr(),
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


@pytest.mark.parametrize("name", ["shot_0001", "shot.v2", "0001.rgba"])
@pytest.mark.parametrize(
    "of", ["a.bmp", "a.cin", "a.dpx", "a.exr", "a.hdr", "a.jp2", "a.jpg", "a.png", "a.tif"]
)
def test_without_an_extension_the_first_bytes_tell_the_format(name: str, of: str) -> None:
    assert why(WHOLE[of], name) == ""
    assert why(WHOLE[of][: len(WHOLE[of]) // 2], name) == CUT_OFF


def test_a_webp_file_needs_its_picture() -> None:
    cut = bytearray(WHOLE["a.webp"][:12])
    cut[4:8] = struct.pack("<I", 4)

    assert why(WHOLE["a.webp"], "frame_0001") == ""
    assert why(bytes(cut), "a.webp") == CUT_OFF


def test_a_bmp_file_need_not_name_its_size() -> None:
    content = bytearray(WHOLE["a.bmp"])
    content[2:6] = bytes(4)

    assert why(bytes(content), "a.bmp") == ""
    assert why(bytes(content[:-1]), "a.bmp") == CUT_OFF


def test_a_file_of_zeros_is_not_whole() -> None:
    assert why(bytes(5_000), "shot_0001") == ZEROS


def test_the_content_of_a_file_of_an_unknown_format_does_not_count() -> None:
    assert why(b"x", "a.unknown") == ""


def test_the_extension_counts_in_any_case() -> None:
    assert why(WHOLE["a.png"][:-1], "A.PNG") == CUT_OFF


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.exr", "a.hdr"])
def test_a_second_half_of_zeros_is_not_whole(name: str) -> None:
    content = WHOLE[name]
    half = len(content) // 2

    assert why(content[:half] + bytes(len(content) - half), name)


@pytest.mark.parametrize("compression", ["RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "DWAA", "DWAB"])
def test_zeros_in_the_last_block_are_no_part_of_a_compressed_picture(
    tmp_path: Path, compression: str
) -> None:
    smooth = written_exr(tmp_path, compression, [noise() // 0.5])

    assert why(smooth, "a.exr") == ""
    assert why(smooth[:-40] + bytes(40), "a.exr") == CUT_OFF


@pytest.mark.parametrize("compression", ["NO", "RLE", "ZIPS", "ZIP", "PIZ", "PXR24", "B44", "DWAA"])
def test_black_is_a_picture(tmp_path: Path, compression: str) -> None:
    black_at_its_end = noise()
    black_at_its_end[:, 75:] = 0

    for picture in (0 * noise(), black_at_its_end, noise()):
        assert why(written_exr(tmp_path, compression, [picture]), "a.exr") == ""


def test_all_parts_of_a_file_count(tmp_path: Path) -> None:
    both = written_exr(tmp_path, "ZIP", [noise(), noise()])

    assert why(both, "a.exr") == ""
    assert [cut for cut in range(0, len(both), 499) if not why(both[:cut], "a.exr")] == []


def test_lines_of_zeros_are_no_sgi_picture() -> None:
    head = struct.pack(">HBBHHHH", 0x1DA, 1, 1, 2, 2, 2, 1).ljust(512, b"\0")
    tables = struct.pack(">4I", 528, 532, 4, 4)

    assert why(head + tables + 2 * b"\x82\x07\x07\0", "a.rgb") == ""
    assert why(head + tables + b"\x82\x07\x07\0" + bytes(4), "a.rgb") == CUT_OFF


@given(st.sampled_from(sorted(WHOLE)), st.binary(max_size=200))
def test_random_bytes_are_no_error(name: str, content: bytes) -> None:
    why(content, name)


@given(st.sampled_from(sorted(WHOLE)), st.data())
def test_damaged_files_are_no_error(name: str, data: st.DataObject) -> None:
    content = bytearray(WHOLE[name])
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=5)):
        content[place] = data.draw(st.integers(0, 255))

    why(bytes(content), name)
