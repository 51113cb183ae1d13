"""Counts the frames of frame ranges as the manager understands them, without listing every frame.

Source: Flamenco: `1-10`, `1..10` and single frames, separated by commas.
"""

import re

_PART = re.compile(r"\s*([0-9]+)\s*(?:(?:-|\.\.)\s*([0-9]+)\s*)?")
_NEGATIVE = re.compile(r"(^|[.-])\s*-\s*[0-9]")
#: No frame number has more digits. Longer numbers would cost time.
_MOST_DIGITS = 9


class BadFrames(ValueError):
    """The frames are not valid; the text says why."""


def count_frames(text: str) -> int:
    """Return the number of different frames.

    Raises:
        BadFrames: the text is empty, or not a frame range.
    """
    if not text.strip():
        raise BadFrames("No frames are chosen")
    spans = sorted(_span(part, text) for part in text.split(","))
    count, last = 0, -1
    for first, end in spans:
        count += max(0, end - max(first, last + 1) + 1)
        last = max(last, end)
    return count


def _span(part: str, text: str) -> tuple[int, int]:
    """Return the first and the last frame of a part; both are included."""
    if not part.strip():
        raise BadFrames(f"“{text}” has a comma with no frame beside it")
    match = _PART.fullmatch(part)
    if match is None and _NEGATIVE.search(part):
        raise BadFrames(f"“{part.strip()}” has a negative frame, which no farm renders")
    if match is None:
        raise BadFrames(f"“{part.strip()}” is no frame range")
    if any(len(each or "") > _MOST_DIGITS for each in match.groups()):
        raise BadFrames(f"“{part.strip()}” has a frame number that is too high")
    first, end = int(match[1]), int(match[2] or match[1])
    if end < first:
        raise BadFrames(f"“{part.strip()}” runs backwards")
    return first, end
