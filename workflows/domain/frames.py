"""Frame ranges as artists write them: `1-30, 40, 50..60, 100-200x10, -10--1`.

Source: Flamenco 3.9, which has no steps, no negative frames and no upper limit; ours keeps a typing
mistake from filling the memory.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import islice

#: Eleven hours of film at 24 frames per second, and more than a job may have tasks.
MAX_FRAMES = 1_000_000
#: Blender stores frame numbers in 32 bits.
MAX_FRAME_NUMBER = 2**31 - 1
#: The last frame that Blender renders; it renders this one in place of a higher one (measured).
BLENDERS_LAST_FRAME = 1_048_574
_QUOTED_CHARACTERS = 40

_ELEMENT = re.compile(
    r"\s*(?P<first>-?[0-9]+)\s*(?:-\s*(?P<last>-?[0-9]+)\s*(?:x\s*(?P<step>[0-9]+)\s*)?)?"
)


class BadFrameRange(ValueError):
    """The text is not a frame range. The message is a sentence for the text's author."""


def parse_frames(text: str, most: int = MAX_FRAMES) -> list[int]:
    """Return the frame numbers in ascending order, each once; only the first `most` of them.

    A reversed range (`10-1`) contributes nothing, as in Flamenco.

    Raises:
        BadFrameRange: the text is not understood, has no frames, or more than `MAX_FRAMES`.
    """
    return list(islice((frame for span in spans_of(text) for frame in span), most))


def count_frames(text: str) -> int:
    """Return how many frames a range has.

    Raises:
        BadFrameRange: see `parse_frames`.
    """
    return sum(len(span) for span in spans_of(text))


def ends(text: str) -> tuple[int, int]:
    """Return the lowest and the highest frame of a range.

    Raises:
        BadFrameRange: see `parse_frames`.
    """
    spans = spans_of(text)
    return spans[0][0], spans[-1][-1]


def count_chunks(text: str, size: int) -> int:
    """Return how many chunks `chunk_frames` would return, without making them.

    Raises:
        BadFrameRange: see `chunk_frames`.
    """
    _check_size(size)
    return -(-count_frames(text) // size)


def chunk_frames(text: str, size: int) -> list[str]:
    """Cut a range into ranges of `size` frames, as texts; the last may be shorter.

    Raises:
        BadFrameRange: see `parse_frames`; or `size` is below 1.
    """
    _check_size(size)
    return [",".join(map(_render, chunk)) for chunk in _cut(spans_of(text), size)]


def frames_text(spans: Iterable[range]) -> str:
    """Return frames as a text that `parse_frames` reads."""
    return ",".join(map(_render, merged(spans)))


def _check_size(size: int) -> None:
    if size < 1:
        raise BadFrameRange(f"A chunk needs at least 1 frame, not {size}.")


def spans_of(text: str) -> list[range]:
    """Return ranges in ascending order that neither overlap nor touch.

    The limits are checked on the ends alone, so `1-999999999` takes no memory.

    Raises:
        BadFrameRange: see `parse_frames`.
    """
    if not text.strip():
        raise BadFrameRange("The frame range is empty.")
    spans = list(merged(_elements(text)))
    if not spans:
        raise BadFrameRange(
            f"The frame range {_quoted(text)} has no frames: ranges run from low to high."
        )
    if sum(len(span) for span in spans) > MAX_FRAMES:
        raise _too_many(text)
    return spans


def _too_many(text: str) -> BadFrameRange:
    return BadFrameRange(f"The frame range {_quoted(text)} has more than {MAX_FRAMES:,} frames.")


def _elements(text: str) -> Iterator[range]:
    stepped = 0
    for element in text.replace("..", "-").split(","):
        match = _ELEMENT.fullmatch(element)
        if match is None:
            raise BadFrameRange(_why_not_understood(element, text))
        first = _frame_number(match["first"])
        last = first if match["last"] is None else _frame_number(match["last"])
        step = 1 if match["step"] is None else _frame_number(match["step"])
        if step < 1:
            raise BadFrameRange(f"The step of {_quoted(element.strip())} must be at least 1.")
        if step == 1:
            yield range(first, last + 1)
            continue
        frames = range(first, last + 1, step)
        stepped += len(frames)
        if stepped > MAX_FRAMES:
            raise _too_many(text)
        yield from (range(frame, frame + 1) for frame in frames)


def _why_not_understood(element: str, text: str) -> str:
    if not element.strip():
        return f"The frame range {_quoted(text)} has nothing between two commas."
    return (
        f"{_quoted(element.strip())} is not a frame range: "
        "write single frames like 47 and ranges like 1-30 or 1-30x5, separated by commas."
    )


def _frame_number(text: str) -> int:
    # Check the length first: Python refuses to convert thousands of digits.
    if len(text.lstrip("-0")) > 10 or abs(int(text)) > MAX_FRAME_NUMBER:
        is_low = text.startswith("-")
        limit = (
            f"low: at least -{MAX_FRAME_NUMBER}" if is_low else f"high: at most {MAX_FRAME_NUMBER}"
        )
        raise BadFrameRange(f"Frame {_quoted(text)} is too {limit}.")
    return int(text)


def merged(spans: Iterable[range]) -> Iterator[range]:
    """Yield ranges of the same frames, in ascending order, that neither overlap nor touch."""
    current = range(0)
    for span in sorted((span for span in spans if span), key=lambda span: span.start):
        if current and span.start <= current.stop:
            current = range(current.start, max(current.stop, span.stop))
            continue
        if current:
            yield current
        current = span
    if current:
        yield current


def _cut(spans: Iterable[range], size: int) -> Iterator[list[range]]:
    chunk: list[range] = []
    missing = size
    for span in spans:
        rest = span
        while rest:
            piece, rest = rest[:missing], rest[missing:]
            chunk.append(piece)
            missing -= len(piece)
            if not missing:
                yield chunk
                chunk, missing = [], size
    if chunk:
        yield chunk


def _render(span: range) -> str:
    """Return the range as text. Two frames get a comma, since `4-5` would not be shorter."""
    return ",".join(map(str, span)) if len(span) <= 2 else f"{span[0]}-{span[-1]}"


def _quoted(text: str) -> str:
    shown = text if len(text) <= _QUOTED_CHARACTERS else text[: _QUOTED_CHARACTERS - 1] + "…"
    # repr() keeps newlines and other control characters out of one-line messages.
    return repr(shown)
