"""Tells whether an image file is whole, by the structure of its format, without decoding it.

A renderer that is killed, or a disk that is full, leaves a file that is empty or ends in the
middle. Sources of the structures: the formats' own specifications.
"""

import struct
from collections.abc import Callable, Mapping
from pathlib import PurePath
from typing import BinaryIO

from workflows.domain.image_reader import CUT_OFF, NotWhole, Reader
from workflows.domain.open_exr import check_exr

EMPTY = "it is empty"
ZEROS = "it has nothing but zeros"


def why_not_whole(file: BinaryIO, name: str) -> str:
    """Return why an image is not whole, as a part of a sentence; an empty text if it is whole.

    A file with the extension of an unknown format, or with none, has the format that its first
    bytes tell. If they tell none, it counts as whole unless it is empty or begins with zeros only.

    Args:
        file: can seek.
        name: the file's name; its extension says which format the file must have.
    """
    size = file.seek(0, 2)
    if not size:
        return EMPTY
    file.seek(0)
    check = _CHECKS.get(PurePath(name).suffix.lower())
    if check is None:
        head = file.read(_HEAD)
        if not any(head):
            return ZEROS
        check = _CHECKS.get(_format_of(head))
    if check is None:
        return ""
    file.seek(0)
    try:
        check(Reader(file, size))
    except NotWhole as problem:
        return str(problem)
    return ""


def _format_of(head: bytes) -> str:
    """Return the extension of the format that a file's first bytes tell; empty if they do not."""
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return ".webp"
    return next((kind for kind, heads in _FORMATS.items() if head.startswith(heads)), "")


def _png(file: Reader) -> None:
    file.expect((b"\x89PNG\r\n\x1a\n",), "PNG")
    file.order = ">"
    while True:
        length = file.number("I")
        kind = file.take(4)
        if not kind.isalpha():
            raise NotWhole("a part of it is damaged")
        file.skip(length + 4)
        if kind == b"IEND":
            return


def _jpeg(file: Reader) -> None:
    file.expect((b"\xff\xd8",), "JPEG")
    file.order = ">"
    while True:
        mark, kind = file.numbers("BB")
        if mark != 0xFF:
            raise NotWhole("a part of it is damaged")
        if kind == 0xDA:  # what follows is the compressed picture
            break
        file.skip(max(0, file.number("H") - 2))
    file.ends_with(b"\xff\xd9")


def _jpeg_2000(file: Reader) -> None:
    if not file.take(8).startswith((b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")):
        raise NotWhole("it is no JPEG 2000 file")
    file.ends_with(b"\xff\xd9")


def _webp(file: Reader) -> None:
    file.expect((b"RIFF",), "WebP")
    end = 8 + file.number("I")
    file.expect((b"WEBP",), "WebP")
    file.at(end).at(12)
    has_picture = False
    while file.place() + 8 <= end:
        has_picture |= file.take(4) in (b"VP8 ", b"VP8L", b"ANMF")
        length = file.number("I")
        file.skip(length + length % 2)
    if not has_picture:
        raise NotWhole(CUT_OFF)


def _bmp(file: Reader) -> None:
    file.expect((b"BM",), "BMP")
    size, _, start, _, width, height = file.numbers("IIIIii")
    _, bits, compression = file.numbers("HHI")
    if not (width and height and bits):
        raise NotWhole("its header is damaged")
    # Some programs leave the file's size out.
    line = (abs(width) * bits + 31) // 32 * 4
    file.at(max(size, start + line * abs(height) * (not compression)))


def _dpx(file: Reader) -> None:
    magic = file.expect((b"SDPX", b"XPDS"), "DPX")
    file.order = ">" if magic == b"SDPX" else "<"
    file.at(file.at(16).number("I"))


def _cineon(file: Reader) -> None:
    magic = file.expect((b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"), "Cineon")
    file.order = ">" if magic[:1] == b"\x80" else "<"
    file.at(file.at(20).number("I"))


# --- TIFF -----------------------------------------------------------------------------------------

_TIFF_OFFSETS, _TIFF_LENGTHS = (273, 324), (279, 325)
#: The sizes of values, by the number of their type; the others have one byte or are not needed.
_TIFF_FORMS = {3: "H", 4: "I", 5: "Q", 9: "I", 10: "Q", 11: "I", 12: "Q", 16: "Q"}


def _tiff(file: Reader) -> None:
    magic = file.expect((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF")
    file.order = "<" if magic[:1] == b"I" else ">"
    is_big = b"+" in magic
    directory = file.at(8).number("Q") if is_big else file.number("I")
    if not directory:
        raise NotWhole(CUT_OFF)  # the directory is written last
    file.at(directory)
    entries = file.number("Q" if is_big else "H")
    fields: dict[int, list[int]] = {}
    start, size = file.place(), 20 if is_big else 12
    file.at(start + entries * size + (8 if is_big else 4))
    for number in range(entries):
        file.at(start + number * size)
        tag, kind = file.numbers("HH")
        values = _tiff_values(file, _TIFF_FORMS.get(kind, "B"), is_big)
        if tag in _TIFF_OFFSETS + _TIFF_LENGTHS:
            fields[tag] = list(values)
    offsets = [value for tag in _TIFF_OFFSETS for value in fields.get(tag, ())]
    lengths = [value for tag in _TIFF_LENGTHS for value in fields.get(tag, ())]
    if not offsets or len(offsets) != len(lengths):
        raise NotWhole("its directory is damaged")
    for offset, length in zip(offsets, lengths, strict=True):
        if not offset or offset + length > file.size:
            raise NotWhole(CUT_OFF)


def _tiff_values(file: Reader, form: str, is_big: bool) -> tuple[int, ...]:
    count = file.number("Q" if is_big else "I")
    length = count * struct.calcsize(form)
    if length > file.size:
        raise NotWhole(CUT_OFF)
    if length > (8 if is_big else 4):
        file.at(file.number("Q" if is_big else "I"))
    return file.numbers(f"{count}{form}")


# --- SGI ------------------------------------------------------------------------------------------


def _sgi(file: Reader) -> None:
    file.expect((b"\x01\xda",), "SGI")
    file.order = ">"
    is_run_length, bytes_each, _, width, height, channels = file.numbers("BBHHHH")
    lines = height * max(1, channels)
    if not is_run_length:
        file.at(512 + width * lines * bytes_each)
        return
    if 8 * lines > file.size:
        raise NotWhole(CUT_OFF)
    file.at(512)
    starts, lengths = file.numbers(f"{lines}I"), file.numbers(f"{lines}I")
    for start, length in zip(starts, lengths, strict=True):
        if not start or start + length > file.size:
            raise NotWhole(CUT_OFF)
    if not file.at(max(starts, default=0)).number("B"):  # a line cannot begin with its end
        raise NotWhole(CUT_OFF)


# --- TARGA ----------------------------------------------------------------------------------------

_TGA_RUN_LENGTH = 8


def _tga(file: Reader) -> None:
    named, palette, kind, _, colors, color_bits = file.numbers("BBBHHB")
    _, _, width, height, bits, _ = file.numbers("HHHHBB")
    if kind & ~_TGA_RUN_LENGTH not in (1, 2, 3) or not bits:
        raise NotWhole("it is no TARGA file")
    file.skip(named + (colors * ((color_bits + 7) // 8) if palette else 0))
    pixel = (bits + 7) // 8
    if not kind & _TGA_RUN_LENGTH:
        file.skip(width * height * pixel)
        return
    left = width * height
    while left > 0:
        head = file.number("B")
        count = (head & 0x7F) + 1
        file.take(pixel if head & 0x80 else pixel * count)
        left -= count


# --- Radiance -------------------------------------------------------------------------------------


def _hdr(file: Reader) -> None:
    file.expect((b"#?",), "Radiance")
    while _line(file):
        pass
    words = _line(file).split()
    if len(words) != 4 or not (words[1].isdigit() and words[3].isdigit()):
        raise NotWhole("its header is damaged")
    height, width = int(words[1]), int(words[3])
    for _ in range(height):
        _hdr_line(file, width)


def _line(file: Reader) -> bytes:
    found = bytearray()
    while (byte := file.take(1)) != b"\n":
        found += byte
    return bytes(found)


def _hdr_line(file: Reader, width: int) -> None:
    head = file.take(4)
    if head[:2] != b"\x02\x02" or not 8 <= width <= 0x7FFF:  # not compressed
        file.take(4 * (width - 1))
        return
    left = 4 * width
    while left > 0:
        count = file.number("B")
        file.take(1 if count > 128 else count)
        left -= count - 128 if count > 128 else count


_CHECKS: Mapping[str, Callable[[Reader], None]] = {
    ".bmp": _bmp,
    ".cin": _cineon,
    ".dpx": _dpx,
    ".exr": check_exr,
    ".hdr": _hdr,
    ".j2c": _jpeg_2000,
    ".jp2": _jpeg_2000,
    ".jpeg": _jpeg,
    ".jpg": _jpeg,
    ".png": _png,
    ".rgb": _sgi,
    ".tga": _tga,
    ".tif": _tiff,
    ".tiff": _tiff,
    ".webp": _webp,
}
#: The first bytes of files, by the extension of their format. TARGA files have no such bytes.
_FORMATS: Mapping[str, tuple[bytes, ...]] = {
    ".bmp": (b"BM",),
    ".cin": (b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"),
    ".dpx": (b"SDPX", b"XPDS"),
    ".exr": (b"\x76\x2f\x31\x01",),
    ".hdr": (b"#?RADIANCE", b"#?RGBE"),
    ".jp2": (b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51"),
    ".jpg": (b"\xff\xd8\xff",),
    ".png": (b"\x89PNG",),
    ".rgb": (b"\x01\xda\x00\x01", b"\x01\xda\x01\x01"),
    ".tif": (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"),
}
#: As many bytes are read of a file of an unknown format.
_HEAD = 512
