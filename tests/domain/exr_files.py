"""OpenEXR files: some by the format's own library, some of bytes whose content does not matter."""

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import OpenEXR  # type: ignore[import-not-found] # compiled, and without stubs

_MAGIC = b"\x76\x2f\x31\x01"


def noise() -> Any:
    """Return an RGBA picture of 150 by 90."""
    return np.random.default_rng(1).random((90, 150, 4)).astype(np.float32)


def written_exr(folder: Path, compression: str, pictures: Sequence[Any]) -> bytes:
    """Return a file with these pictures as its parts."""
    path = folder / "written.exr"
    header = {
        "compression": getattr(OpenEXR, f"{compression}_COMPRESSION"),
        "type": OpenEXR.scanlineimage,
    }
    parts = [
        OpenEXR.Part(dict(header), {"RGBA": picture}, f"part {number}")
        for number, picture in enumerate(pictures)
    ]
    OpenEXR.File(parts).write(str(path))
    return path.read_bytes()


def exr(compression: int = 3, lines_of_block: int = 16, lines: int = 23) -> bytes:
    """Return scan lines of one part."""
    head = _head(2, compression, (37, lines))
    blocks = [struct.pack("<2i", y, 40) + bytes(40) for y in range(0, lines, lines_of_block)]
    return _with_offsets(head, blocks)


def tiled_exr(mode: int, tiles: int) -> bytes:
    """Return a picture of 150 by 90 in tiles of 64 by 64.

    Args:
        mode: the number that stands for the kind of levels and their rounding.
        tiles: their number in all levels.
    """
    head = _head(0x202, 0, (150, 90), (b"tiles", b"tiledesc", struct.pack("<IIB", 64, 64, mode)))
    block = struct.pack("<5i", 0, 0, 0, 0, 40) + bytes(40)
    return _with_offsets(head, [block] * tiles)


def deep_exr() -> bytes:
    """Return deep scan lines: of each pixel the number of its samples, and the samples."""
    head = _head(0x802, 3, (37, 32), (b"type", b"string", b"deepscanline"))
    blocks = [struct.pack("<i3Q", y, 10, 30, 90) + bytes(40) for y in (0, 16)]
    return _with_offsets(head, blocks)


def _head(
    version: int, compression: int, size: tuple[int, int], *more: tuple[bytes, bytes, bytes]
) -> bytes:
    window = struct.pack("<4i", 0, 0, size[0] - 1, size[1] - 1)
    attributes = (
        (b"compression", b"compression", bytes([compression])),
        (b"dataWindow", b"box2i", window),
        *more,
    )
    head = _MAGIC + struct.pack("<I", version)
    for name, kind, value in attributes:
        head += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    return head + b"\0"


def _with_offsets(head: bytes, blocks: Sequence[bytes]) -> bytes:
    start = len(head) + 8 * len(blocks)
    offsets = [start + len(block) * number for number, block in enumerate(blocks)]
    return head + struct.pack(f"<{len(offsets)}Q", *offsets) + b"".join(blocks)
