"""Tells whether an OpenEXR file is whole: all blocks that its tables name are there.

Source: "OpenEXR File Layout", openexr.com.
"""

import struct
from collections.abc import Iterator, Mapping

from workflows.domain.image_reader import CUT_OFF, NotWhole, Reader

_MULTIPART, _DEEP = 0x1000, 0x800
#: Scan lines in a block, by the number of the compression.
_LINES = (1, 1, 1, 16, 32, 16, 32, 32, 32, 256)
#: The size of a channel's value in bytes, by the number of its type.
_VALUE_SIZES = (4, 2, 4)
_MIPMAP, _RIPMAP = 1, 2
#: No compressed block ends with so many zero bytes. A disk that broke down fills files with them.
_TAIL = 32
_DAMAGED = "its header is damaged"

_Attributes = Mapping[bytes, bytes]


def check_exr(file: Reader) -> None:
    """
    Raises:
        NotWhole: the file is cut off or damaged.
    """
    file.expect((b"\x76\x2f\x31\x01",), "OpenEXR")
    version = file.number("I")
    parts = list(_headers(file, bool(version & _MULTIPART)))
    last, part = 0, parts[0] if parts else {}
    for attributes in parts:
        offsets = [file.number("Q") for _ in range(_blocks(attributes, file))]
        if not all(0 < offset < file.size for offset in offsets):
            raise NotWhole(CUT_OFF)  # the offsets are written last
        if max(offsets) > last:
            last, part = max(offsets), attributes
    file.at(last + (4 if version & _MULTIPART else 0))
    if version & _DEEP and part.get(b"type", b"deep").startswith(b"deep"):
        _deep_block(file, part)
    else:
        _block(file, part)


def _headers(file: Reader, is_multipart: bool) -> Iterator[_Attributes]:
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


def _block(file: Reader, part: _Attributes) -> None:
    if b"tiles" in part:
        *_, length = file.numbers("5i")
    else:
        line, length = file.numbers("2i")
    if length <= 0:
        raise NotWhole(CUT_OFF)
    start = file.place()
    file.skip(length)
    if b"tiles" not in part and _is_compressed(part, line, length):
        end = file.at(start + max(0, length - _TAIL)).take(min(length, _TAIL))
        if not any(end):
            raise NotWhole(CUT_OFF)


def _deep_block(file: Reader, part: _Attributes) -> None:
    file.numbers("4i" if b"tiles" in part else "i")
    table, samples, _ = file.numbers("3Q")
    if not table:
        raise NotWhole(CUT_OFF)
    file.skip(table + samples)


def _is_compressed(part: _Attributes, line: int, length: int) -> bool:
    """Return whether a block of scan lines is compressed: others may end with any zeros."""
    low_x, _, high_x, high_y = _window(part)
    lines = min(_lines(part), high_y - line + 1)
    pixel = _pixel_size(part.get(b"channels", b""))
    return part[b"compression"] != b"\0" and length < (high_x - low_x + 1) * lines * pixel


def _pixel_size(channels: bytes) -> int:
    """Return the bytes of a pixel in all channels; 0 if the list of channels is damaged."""
    size = 0
    while channels and not channels.startswith(b"\0"):
        _, _, rest = channels.partition(b"\0")
        kind = int.from_bytes(rest[:4], "little")
        size += _VALUE_SIZES[kind] if kind < len(_VALUE_SIZES) else 0
        channels = rest[16:]
    return size


def _blocks(attributes: _Attributes, file: Reader) -> int:
    if b"chunkCount" in attributes:
        count = _unpacked("<i", attributes[b"chunkCount"])[0]
    elif b"tiles" in attributes:
        count = _tiles(attributes)
    else:
        _, low, _, high = _window(attributes)
        count = -(-(high - low + 1) // _lines(attributes))
    if not 0 < count <= file.size // 8:
        raise NotWhole(CUT_OFF)
    return count


def _tiles(attributes: _Attributes) -> int:
    """Return the number of tiles of all levels."""
    low_x, low_y, high_x, high_y = _window(attributes)
    width, height, mode = _unpacked("<IIB", attributes[b"tiles"])
    if not (width and height and low_x <= high_x and low_y <= high_y):
        raise NotWhole(_DAMAGED)
    rounds_up = bool(mode >> 4)
    size_x, size_y = high_x - low_x + 1, high_y - low_y + 1
    if mode & 0xF == _MIPMAP:
        longest = max(size_x, size_y)
        columns, rows = (_level_sizes(size, longest, rounds_up) for size in (size_x, size_y))
        levels = zip(columns, rows, strict=True)
        return sum(-(-x // width) * -(-y // height) for x, y in levels)
    if mode & 0xF == _RIPMAP:
        columns, rows = (_level_sizes(size, size, rounds_up) for size in (size_x, size_y))
        return sum(-(-x // width) * -(-y // height) for x in columns for y in rows)
    return -(-size_x // width) * -(-size_y // height)


def _level_sizes(size: int, longest: int, rounds_up: bool) -> list[int]:
    """Return the sizes of one side by level; the longest side ends with 1."""
    steps = (longest - 1).bit_length() if rounds_up else longest.bit_length() - 1
    levels = range(steps + 1)
    return [max(1, (size + ((1 << n) - 1 if rounds_up else 0)) >> n) for n in levels]


def _window(attributes: _Attributes) -> tuple[int, ...]:
    return _unpacked("<4i", attributes.get(b"dataWindow", b""))


def _lines(attributes: _Attributes) -> int:
    number = _unpacked("<B", attributes.get(b"compression", b""))[0]
    if number >= len(_LINES):
        raise NotWhole(_DAMAGED)
    return _LINES[number]


def _unpacked(form: str, value: bytes) -> tuple[int, ...]:
    try:
        return struct.unpack(form, value)
    except struct.error:
        raise NotWhole(_DAMAGED) from None
