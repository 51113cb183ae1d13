"""Tells whether an image file is whole, by the structure of its format, without decoding it.

A renderer that is killed, or a disk that is full, leaves a file that is empty or ends in the
middle. Sources of the structures: the formats' own specifications.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from pathlib import PurePath
from typing import BinaryIO

EMPTY = "it is empty"
CUT_OFF = "it ends in the middle"


class _NotWhole(Exception):
    pass


def why_not_whole(file: BinaryIO, name: str) -> str:
    """Return why an image is not whole, as a part of a sentence; an empty text if it is whole.

    A file with the extension of an unknown format counts as whole if it is not empty.

    Args:
        file: can seek.
        name: the file's name; its extension says which format the file must have.
    """
    size = file.seek(0, 2)
    if not size:
        return EMPTY
    check = _CHECKS.get(PurePath(name).suffix.lower())
    if check is None:
        return ""
    file.seek(0)
    try:
        check(_Reader(file, size))
    except _NotWhole as problem:
        return str(problem)
    return ""


class _Reader:
    """Reads a file; raises `_NotWhole` where the file has ended."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size
        self.order = "<"
        """The byte order of `numbers`: `<` or `>`."""

    def take(self, count: int) -> bytes:
        data = self._file.read(count) if count <= self.size else b""
        if len(data) < count:
            raise _NotWhole(CUT_OFF)
        return data

    def at(self, place: int) -> "_Reader":
        if place > self.size:
            raise _NotWhole(CUT_OFF)
        self._file.seek(place)
        return self

    def place(self) -> int:
        return self._file.tell()

    def skip(self, count: int) -> None:
        self.at(self.place() + count)

    def numbers(self, form: str) -> tuple[int, ...]:
        form = self.order + form
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def number(self, form: str) -> int:
        return self.numbers(form)[0]

    def text(self) -> bytes:
        """Return the bytes before the next zero byte."""
        found = bytearray()
        while (byte := self.take(1)) != b"\0":
            found += byte
        return bytes(found)

    def expect(self, beginnings: tuple[bytes, ...], form: str) -> bytes:
        """Take the first bytes of the file.

        Raises:
            _NotWhole: they are of another format.
        """
        found = self.take(len(beginnings[0]))
        if found not in beginnings:
            raise _NotWhole(f"it is no {form} file")
        return found

    def ends_with(self, end: bytes) -> None:
        if self.at(max(0, self.size - len(end))).take(len(end)) != end:
            raise _NotWhole(CUT_OFF)


def _png(file: _Reader) -> None:
    file.expect((b"\x89PNG\r\n\x1a\n",), "PNG")
    file.order = ">"
    while True:
        length = file.number("I")
        kind = file.take(4)
        if not kind.isalpha():
            raise _NotWhole("a part of it is damaged")
        file.skip(length + 4)
        if kind == b"IEND":
            return


def _jpeg(file: _Reader) -> None:
    file.expect((b"\xff\xd8",), "JPEG")
    file.order = ">"
    while True:
        mark, kind = file.numbers("BB")
        if mark != 0xFF:
            raise _NotWhole("a part of it is damaged")
        if kind == 0xDA:  # what follows is the compressed picture
            break
        file.skip(max(0, file.number("H") - 2))
    file.ends_with(b"\xff\xd9")


def _jpeg_2000(file: _Reader) -> None:
    if not file.take(8).startswith((b"\x00\x00\x00\x0cjP  ", b"\xff\x4f\xff\x51")):
        raise _NotWhole("it is no JPEG 2000 file")
    file.ends_with(b"\xff\xd9")


def _webp(file: _Reader) -> None:
    file.expect((b"RIFF",), "WebP")
    length = file.number("I")
    file.expect((b"WEBP",), "WebP")
    file.at(8 + length)


def _bmp(file: _Reader) -> None:
    file.expect((b"BM",), "BMP")
    file.at(file.number("I"))


def _dpx(file: _Reader) -> None:
    magic = file.expect((b"SDPX", b"XPDS"), "DPX")
    file.order = ">" if magic == b"SDPX" else "<"
    file.at(file.at(16).number("I"))


def _cineon(file: _Reader) -> None:
    magic = file.expect((b"\x80\x2a\x5f\xd7", b"\xd7\x5f\x2a\x80"), "Cineon")
    file.order = ">" if magic[:1] == b"\x80" else "<"
    file.at(file.at(20).number("I"))


# --- OpenEXR --------------------------------------------------------------------------------------

_EXR_MULTIPART, _EXR_DEEP = 0x1000, 0x800
#: Scan lines in a block, by the number of the compression.
_EXR_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)


def _exr(file: _Reader) -> None:
    file.expect((b"\x76\x2f\x31\x01",), "OpenEXR")
    version = file.number("I")
    is_multipart = bool(version & _EXR_MULTIPART)
    parts = list(_exr_headers(file, is_multipart))
    last = 0
    for attributes in parts:
        offsets = [file.number("Q") for _ in range(_exr_blocks(attributes, file))]
        if not all(0 < offset < file.size for offset in offsets):
            raise _NotWhole(CUT_OFF)  # the offsets are written last
        last = max(last, *offsets)
    if not version & _EXR_DEEP:
        file.at(last + (4 if is_multipart else 0))
        is_tile = any(b"tiles" in attributes for attributes in parts)
        *_, length = file.numbers("5i" if is_tile else "2i")
        if length <= 0:
            raise _NotWhole(CUT_OFF)
        file.skip(length)


def _exr_headers(file: _Reader, is_multipart: bool) -> Iterator[Mapping[bytes, bytes]]:
    while True:
        attributes: dict[bytes, bytes] = {}
        while name := file.text():
            file.text()  # the name of its type
            attributes[name] = file.take(max(0, file.number("i")))
        if not attributes:
            return
        yield attributes
        if not is_multipart:
            return


def _exr_blocks(attributes: Mapping[bytes, bytes], file: _Reader) -> int:
    if b"chunkCount" in attributes:
        (count,) = struct.unpack("<i", attributes[b"chunkCount"])
    elif b"tiles" in attributes:
        count = 1  # of several levels; only the first block is looked at
    else:
        try:
            _, low, _, high = struct.unpack("<4i", attributes[b"dataWindow"])
            lines = _EXR_LINES[attributes[b"compression"][0]]
        except (KeyError, IndexError, struct.error):
            raise _NotWhole("its header is damaged") from None
        count = -(-(high - low + 1) // lines)
    if not 0 < count <= file.size // 8:
        raise _NotWhole(CUT_OFF)
    return int(count)


# --- TIFF -----------------------------------------------------------------------------------------

_TIFF_OFFSETS, _TIFF_LENGTHS = (273, 324), (279, 325)
#: The sizes of values, by the number of their type; the others have one byte or are not needed.
_TIFF_FORMS = {3: "H", 4: "I", 5: "Q", 9: "I", 10: "Q", 11: "I", 12: "Q", 16: "Q"}


def _tiff(file: _Reader) -> None:
    magic = file.expect((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"), "TIFF")
    file.order = "<" if magic[:1] == b"I" else ">"
    is_big = b"+" in magic
    directory = file.at(8).number("Q") if is_big else file.number("I")
    if not directory:
        raise _NotWhole(CUT_OFF)  # the directory is written last
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
        raise _NotWhole("its directory is damaged")
    for offset, length in zip(offsets, lengths, strict=True):
        if not offset or offset + length > file.size:
            raise _NotWhole(CUT_OFF)


def _tiff_values(file: _Reader, form: str, is_big: bool) -> tuple[int, ...]:
    count = file.number("Q" if is_big else "I")
    length = count * struct.calcsize(form)
    if length > file.size:
        raise _NotWhole(CUT_OFF)
    if length > (8 if is_big else 4):
        file.at(file.number("Q" if is_big else "I"))
    return file.numbers(f"{count}{form}")


# --- SGI ------------------------------------------------------------------------------------------


def _sgi(file: _Reader) -> None:
    file.expect((b"\x01\xda",), "SGI")
    file.order = ">"
    is_run_length, bytes_each, _, width, height, channels = file.numbers("BBHHHH")
    lines = height * max(1, channels)
    if not is_run_length:
        file.at(512 + width * lines * bytes_each)
        return
    if 8 * lines > file.size:
        raise _NotWhole(CUT_OFF)
    file.at(512)
    starts, lengths = file.numbers(f"{lines}I"), file.numbers(f"{lines}I")
    for start, length in zip(starts, lengths, strict=True):
        if not start or start + length > file.size:
            raise _NotWhole(CUT_OFF)


# --- TARGA ----------------------------------------------------------------------------------------

_TGA_RUN_LENGTH = 8


def _tga(file: _Reader) -> None:
    named, palette, kind, _, colors, color_bits = file.numbers("BBBHHB")
    _, _, width, height, bits, _ = file.numbers("HHHHBB")
    if kind & ~_TGA_RUN_LENGTH not in (1, 2, 3) or not bits:
        raise _NotWhole("it is no TARGA file")
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


def _hdr(file: _Reader) -> None:
    file.expect((b"#?",), "Radiance")
    while _line(file):
        pass
    words = _line(file).split()
    if len(words) != 4 or not (words[1].isdigit() and words[3].isdigit()):
        raise _NotWhole("its header is damaged")
    height, width = int(words[1]), int(words[3])
    for _ in range(height):
        _hdr_line(file, width)


def _line(file: _Reader) -> bytes:
    found = bytearray()
    while (byte := file.take(1)) != b"\n":
        found += byte
    return bytes(found)


def _hdr_line(file: _Reader, width: int) -> None:
    head = file.take(4)
    if head[:2] != b"\x02\x02" or not 8 <= width <= 0x7FFF:  # not compressed
        file.take(4 * (width - 1))
        return
    left = 4 * width
    while left > 0:
        count = file.number("B")
        file.take(1 if count > 128 else count)
        left -= count - 128 if count > 128 else count


_CHECKS: Mapping[str, Callable[[_Reader], None]] = {
    ".bmp": _bmp,
    ".cin": _cineon,
    ".dpx": _dpx,
    ".exr": _exr,
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
