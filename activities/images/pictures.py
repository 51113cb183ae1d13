"""Makes JPEGs of pictures from outside, in a child process with limits.

A decoder has bugs, and a small file can be a huge picture. In the manager or in a host it could
take all memory, or end the process and with it other work.
"""

import asyncio
import os
import struct
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from subprocess import DEVNULL, PIPE

from activities.process.programs import running

Size = tuple[int, int]

#: The formats of frames that have a preview, with the most pixels of each: 16k by 8k.
FRAMES: Mapping[str, int] = dict.fromkeys(("JPEG", "PNG", "TIFF", "EXR"), 2**27)
#: The largest size that the manager shows, in pixels.
FITS_IN: Size = (1920, 1080)
_WITHIN_S = 120.0
_LENGTH = struct.Struct(">I")


class NoPreview(Exception):
    """The file is not a picture that can be shown, perhaps not yet; the text says why."""


async def jpegs(
    picture: Path | bytes, sizes: Sequence[Size], formats: Mapping[str, int] = FRAMES
) -> list[bytes]:
    """Return the picture as a JPEG of each size, in pixels; it is never enlarged.

    Args:
        picture: a file, or a file's content.
        sizes: the largest first.
        formats: the formats that the picture may have, and the most pixels of each.

    Raises:
        NoPreview: the picture cannot be shown.
    """
    words = [
        ",".join(f"{width}x{height}" for width, height in sizes),
        ",".join(f"{name}={pixels}" for name, pixels in formats.items()),
        *([str(picture)] if isinstance(picture, Path) else []),
    ]
    content = picture if isinstance(picture, bytes) else None
    return list(_cut(await _answer(words, content)))


async def _answer(words: Sequence[str], content: bytes | None) -> bytes:
    # -P keeps files of the working directory from being imported.
    starting = running(
        *(sys.executable, "-P", "-m", "activities.images.decoder", *words),
        stdin=DEVNULL if content is None else PIPE,
        stdout=PIPE,
        stderr=PIPE,
        # A decoder that was taken over must not learn passwords from our settings.
        env={name: value for name, value in os.environ.items() if not name.startswith("TABLAO_")},
    )
    async with starting as child:
        try:
            async with asyncio.timeout(_WITHIN_S):
                answer, error = await child.communicate(content)
        except TimeoutError:
            raise NoPreview(f"it took longer than {_WITHIN_S:g} s") from None
    if child.returncode:
        last = error.decode(errors="replace").strip().rpartition("\n")[2]
        raise NoPreview(last[:200] or f"its decoder ended with code {child.returncode}")
    return answer


def _cut(answer: bytes) -> Sequence[bytes]:
    parts = []
    while answer:
        end = _LENGTH.size + _LENGTH.unpack_from(answer)[0]
        parts.append(answer[_LENGTH.size : end])
        answer = answer[end:]
    return parts
