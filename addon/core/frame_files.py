"""Finds a job's frames among the files of its output folder, by the names that Blender gives them.

The manager has the same rules in `workflows/domain/frame_files.py`; a test holds both together.
"""

import re
from collections import Counter
from collections.abc import Iterable

from .frames import BadFrames, spans_of

#: Blender replaces these extensions by that of the image format.
_REPLACED = re.compile(
    r"\.(bmp|cin|dds|dpx|exr|hdr|j2c|jp2|jpe?g|pdd|png|psb|psd|rgba?|sgi|tga|tiff?|tx|webp)?$",
    re.IGNORECASE,
)
_IMAGE = r"\.(?:bmp|exr|hdr|jp2|j2c|jpe?g|png|rgb|tga|tiff?|webp|dpx|cin)"
#: The left eye's suffix in Blender's stereo rendering.
_LEFT = "_L"


def frames_among(names: Iterable[str], output_name: str, frames: str) -> "list[tuple[int, str]]":
    """Return the numbers and names of a job's frames, by number; of stereo frames one view.

    Args:
        names: the files of the output folder.
        output_name: the last part of the output path; the last group of # is the number.
        frames: the job's frames; if they are no frame range, all frames count.
    """
    end = output_name.rfind("#") + 1
    before = output_name[:end].rstrip("#") if end else output_name
    digits = end - len(before) if end else 4
    after = _REPLACED.sub("", output_name[end:]) if end else ""
    named = re.compile(
        rf"{re.escape(before)}(-?\d+){re.escape(after)}(\D[^.]*)?({_IMAGE})", re.IGNORECASE
    )
    spans = _spans(frames)
    found = [
        (int(match[1]), match[2] or "", match[3].lower(), name)
        for name in names
        if (match := named.fullmatch(name))
        and _is_number(match[1], digits)
        and (spans is None or any(int(match[1]) in span for span in spans))
    ]
    if not found:
        return []
    kinds = Counter((view, extension) for _, view, extension, _ in found)
    chosen = max(kinds, key=lambda kind: (*_rank(*kind), kinds[kind]))
    return sorted((frame, name) for frame, *kind, name in found if tuple(kind) == chosen)


def _rank(view: str, extension: str) -> "tuple[bool, bool, bool]":
    # Beside OpenEXR files, JPEG files are previews.
    return (not view, view == _LEFT, extension != ".jpg")


def _is_number(text: str, digits: int) -> bool:
    if len(text) > 9:  # no frame has more digits
        return False
    frame = int(text)
    return text == ("-" if frame < 0 else "") + str(abs(frame)).zfill(digits)


def _spans(frames: str) -> "list[range] | None":
    try:
        return spans_of(frames)
    except BadFrames:
        return None
