"""Reads the arguments of Blender's command line that concern frames, as Blender 3.4 to 5.2 do."""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from workflows.domain.frames import MAX_FRAMES

RENDER_FRAME = ("-f", "--render-frame")
RENDER_OUTPUT = ("-o", "--render-output")
RENDER_FORMAT = ("-F", "--render-format")
FRAME_START = ("-s", "--frame-start")
FRAME_END = ("-e", "--frame-end")
FRAME_JUMP = ("-j", "--frame-jump")
RENDER_ANIMATION = ("-a", "--render-anim")
SCENE = ("-S", "--scene")

_RANGE = re.compile(r"(-?\d+)(?:\.\.(-?\d+))?")


def for_blender(arguments: Sequence[str]) -> Sequence[str]:
    """Return the arguments before `--`; the others are for scripts."""
    return arguments[: arguments.index("--")] if "--" in arguments else arguments


def output_of(arguments: Sequence[str]) -> str:
    """Return the output path in Blender's arguments; an empty text if there is none."""
    return _last_of(arguments, RENDER_OUTPUT)


def format_of(arguments: Sequence[str]) -> str:
    """Return the image format in Blender's arguments; an empty text if there is none."""
    return _last_of(arguments, RENDER_FORMAT)


def _last_of(arguments: Sequence[str], options: tuple[str, ...]) -> str:
    found = ""
    for option, value in pairwise(for_blender(arguments)):
        if option in options:
            found = value
    return found


def frames_of(arguments: Sequence[str]) -> list[int] | None:
    """Return the frames that Blender's arguments name, in order; None as `frame_spans` does."""
    spans = frame_spans(arguments)
    return None if spans is None else [frame for span in spans for frame in span]


def frame_spans(arguments: Sequence[str]) -> list[range] | None:
    """Return the ranges of frames that Blender's arguments name, in order.

    Returns:
        None: they name none, too many, or in a way that only Blender understands: `+1`, and `-1`
            without `--frame-end`, which is the last frame of the scene.
    """
    spans: list[range] | None = None
    end: int | None = None
    for option, value in pairwise(for_blender(arguments)):
        if option in FRAME_END:
            end = _absolute(value)
        elif option in RENDER_FRAME:
            more = _spans(value, end)
            if more is None:
                return None
            spans = (spans or []) + more
            if sum(map(len, spans)) > MAX_FRAMES:
                return None
    return spans


@dataclass(frozen=True, slots=True)
class Animation:
    """What `-a` renders; None where only the scene says it."""

    first: int | None = None
    last: int | None = None
    step: int | None = None

    def missing(self, written: Collection[int]) -> list[int]:
        """Return the frames that surely belong to it and are not written.

        Args:
            written: frames, of other animations, too. The scene's step is taken from them.
        """
        if self.first is None:
            return []
        last = self.first if self.last is None else self.last
        found = sorted(frame for frame in {*written, self.first} if self.first <= frame <= last)
        # With one frame, the step may be anything.
        step = self.step or min((b - a for a, b in pairwise(found)), default=last)
        frames = range(self.first, last + 1, max(1, step))
        return [frame for frame in frames if frame not in written]


def animations_of(arguments: Sequence[str]) -> list[Animation]:
    """Return what `-a` renders, each time that it is among Blender's arguments, in order."""
    found: list[Animation] = []
    now = Animation()
    arguments = for_blender(arguments)
    for option, value in zip_longest(arguments, arguments[1:], fillvalue=""):
        if option in RENDER_ANIMATION:
            found.append(now)
        elif option in SCENE:
            now = Animation()
        elif option in FRAME_START:
            now = replace(now, first=_absolute(value))
        elif option in FRAME_END:
            now = replace(now, last=_absolute(value))
        elif option in FRAME_JUMP:
            now = replace(now, step=_absolute(value))
    return found


def renders(arguments: Sequence[str]) -> bool:
    """Return whether Blender's arguments render something."""
    options = (*RENDER_FRAME, *RENDER_ANIMATION)
    return any(option in options for option in for_blender(arguments))


def _absolute(value: str) -> int | None:
    """Return a frame's number; None for a number relative to the scene's frames, or for a word."""
    return int(value) if value.isdecimal() and len(value) < 12 else None


def ends_with_frames(arguments: Sequence[str]) -> bool:
    """Return whether Blender does nothing after the frames.

    Blender carries out its arguments in their order; a script may follow the frames.
    """
    return any(option in RENDER_FRAME for option in for_blender(arguments)[-2:-1])


def frame_arguments(spans: Iterable[range]) -> list[str]:
    """Return the arguments that render these frames.

    Blender counts a number with a minus sign back from the end of the scene's frames, so negative
    frames need a known end. -1 is the end itself.
    """
    spans = list(spans)
    if not any(span[0] < 0 for span in spans):
        return ["--render-frame", ",".join(_parts(spans))]
    return ["--frame-end", "0", "--render-frame", ",".join(_parts(spans))]


def _parts(spans: Iterable[range]) -> Iterator[str]:
    for span in spans:
        first, last = _counted_back(span[0]), _counted_back(span[-1])
        if len(span) > 2:
            yield f"{first}..{last}"
        else:
            yield first
            if len(span) == 2:
                yield last


def _counted_back(frame: int) -> str:
    return str(frame) if frame >= 0 else str(frame - 1)


def _spans(value: str, end: int | None) -> list[range] | None:
    spans = []
    for part in value.split(","):
        found = _RANGE.fullmatch(part.strip())
        if not found:
            return None
        first, last = _frame(found[1], end), _frame(found[2] or found[1], end)
        if first is None or last is None:
            return None
        if first <= last:
            spans.append(range(first, last + 1))
    return spans


def _frame(text: str, end: int | None) -> int | None:
    # Blender's own numbers have seven digits.
    if len(text) > 12 or (text.startswith("-") and end is None):
        return None
    return int(text) if end is None or not text.startswith("-") else end + int(text) + 1
