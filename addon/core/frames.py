"""Counts the frames of frame ranges as the manager understands them, without listing every frame.

Source: Flamenco: `1-10`, `1..10` and single frames, separated by commas. Tablao's manager also
understands steps, `1-10x3`, and negative frames.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable

_PART = re.compile(r"\s*(-?[0-9]+)\s*(?:-\s*(-?[0-9]+)\s*(?:x\s*([0-9]+)\s*)?)?")
#: No frame number has more digits. Longer numbers would cost time.
_MOST_DIGITS = 9
#: The manager counts no more frames.
_MOST_STEPS = 1_000_000


class BadFrames(ValueError):
    """The frames are not valid; the text says why."""


def count_frames(text: str) -> int:
    """Return the number of different frames.

    Raises:
        BadFrames: the text is empty, or not a frame range.
    """
    spans = spans_of(text)
    stepped = [span for span in spans if span.step > 1]
    if sum(map(len, stepped)) > _MOST_STEPS:
        raise BadFrames(f"“{text}” has more frames with steps than {_MOST_STEPS:,}")
    whole = _merged(span for span in spans if span.step == 1)
    starts = [span.start for span in whole]
    single = {frame for span in stepped for frame in span}
    return sum(map(len, whole)) + sum(not _is_in(frame, whole, starts) for frame in single)


def spans_of(text: str) -> list[range]:
    """Return the ranges in their order; they may overlap.

    Raises:
        BadFrames: the text is empty, or not a frame range.
    """
    if not text.strip():
        raise BadFrames("No frames are chosen")
    return [_span(part, text) for part in text.split(",")]


def _merged(spans: Iterable[range]) -> list[range]:
    """Return ranges in ascending order that do not overlap."""
    merged: list[range] = []
    for span in sorted(spans, key=lambda span: span.start):
        if merged and span.start <= merged[-1].stop:
            merged[-1] = range(merged[-1].start, max(merged[-1].stop, span.stop))
        else:
            merged.append(span)
    return merged


def _is_in(frame: int, spans: list[range], starts: list[int]) -> bool:
    place = bisect_right(starts, frame)
    return place > 0 and frame in spans[place - 1]


def _span(part: str, text: str) -> range:
    if not part.strip():
        raise BadFrames(f"“{text}” has a comma with no frame beside it")
    match = _PART.fullmatch(part.replace("..", "-"))
    if match is None:
        raise BadFrames(f"“{part.strip()}” is no frame range")
    if any(len((each or "").lstrip("-")) > _MOST_DIGITS for each in match.groups()):
        raise BadFrames(f"“{part.strip()}” has a frame number that is too high")
    first, step = int(match[1]), int(match[3] or 1)
    last = int(match[2] or first)
    if last < first:
        raise BadFrames(f"“{part.strip()}” runs backwards")
    if step < 1:
        raise BadFrames(f"“{part.strip()}” has no step: it must be at least 1")
    return range(first, last + 1, step)
