"""Finds the frames of a video, in order, and the frame to show in place of a broken one.

Standard library only.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import glob
from typing import Any

from worker_host.commands.frames_found import why_not_there
from worker_host.commands.parameters import CommandFailed, text
from workflows.domain.frame_files import of_pattern
from workflows.domain.frames import BadFrameRange, parse_frames

_NUMBERS = re.compile(r"(\d+)", re.ASCII)
_BRACES = re.compile(r"\{([^{}]*,[^{}]*)\}")


class NoFrames(CommandFailed):
    """There is not one frame that a video can show."""

    def __init__(self, reason: str, folder: str) -> None:
        super().__init__(reason)
        self.is_folder_missing = not os.path.isdir(folder)
        """Whether this machine does not even see the folder."""


@dataclass(frozen=True, slots=True)
class VideoFrame:
    name: str
    """The frame's name in sentences."""
    path: str
    problem: str
    """Why the video cannot show the frame, as a part of a sentence; empty if it can."""


def frames_of_video(
    parameters: Mapping[str, Any], checkpoint: Callable[[], None]
) -> list[VideoFrame]:
    """Return the video's frames in order.

    Args:
        parameters: those of `frames-to-video`. `frames` and `frameFiles` name the frames; without
            them `inputGlob` does, as in Flamenco.
        checkpoint: called before each file is read.

    Raises:
        NoFrames: no frame is there and whole.
    """
    folder, named = _named(parameters)
    found = []
    for name, path in named:
        checkpoint()
        found.append(VideoFrame(name, path, why_not_there(path)))
    if not found:
        raise NoFrames(f'no frames found: "{parameters["inputGlob"]}"', folder)
    if all(frame.problem for frame in found):
        first = found[0]
        raise NoFrames(f"no frame is whole: {first.name} ({first.problem}): {first.path}", folder)
    return found


def replacements(frames: Sequence[VideoFrame]) -> list[str]:
    """Return the file that the video shows for each frame: for a broken frame the one before."""
    shown = next(frame.path for frame in frames if not frame.problem)
    paths = []
    for frame in frames:
        shown = shown if frame.problem else frame.path
        paths.append(shown)
    return paths


def _named(parameters: Mapping[str, Any]) -> tuple[str, list[tuple[str, str]]]:
    """Return the folder, and of each frame the name in sentences and the path."""
    if parameters.get("frames") is None or parameters.get("frameFiles") is None:
        pattern = text(parameters, "inputGlob").replace("\\", "/")
        found = [(f'"{os.path.basename(path)}"', path) for path in globbed(pattern)]
        return os.path.dirname(pattern), found
    try:
        frames = parse_frames(text(parameters, "frames"))
    except BadFrameRange as problem:
        raise CommandFailed(f'parameter "frames" is not usable: {problem}') from problem
    files = of_pattern(text(parameters, "frameFiles"))
    folder = files.directory
    files = files.as_view_in(frozenset(_names(folder)), frames)
    return folder, [(f"frame {frame}", os.path.join(folder, files.name(frame))) for frame in frames]


def globbed(pattern: str) -> list[str]:
    """Return the files that fit the pattern; numbers in their names count as numbers.

    A folder of the pattern's exact name comes before folders that fit it: `/shots [1]/*.png`.
    """
    if os.path.isfile(pattern):
        return [pattern]
    folder, name = os.path.split(pattern)
    names = list(_without_braces(name))
    found = [
        os.path.join(each, file)
        for each in ([folder] if os.path.isdir(folder or ".") else _folders(folder))
        for file in _names(each)
        if any(_fits(file, each_name) for each_name in names)
    ]
    return sorted(found, key=_in_order)


def _folders(pattern: str) -> list[str]:
    return [folder for each in _without_braces(pattern) for folder in glob(each)]


def _fits(name: str, pattern: str) -> bool:
    return fnmatchcase(name, pattern) and name.startswith(".") <= pattern.startswith(".")


def _without_braces(pattern: str) -> Iterator[str]:
    """Yield the patterns that `*.{png,jpg}` stands for, as ffmpeg's own patterns may have them."""
    found = _BRACES.search(pattern)
    if found is None:
        yield pattern
        return
    for choice in found[1].split(","):
        yield from _without_braces(pattern[: found.start()] + choice + pattern[found.end() :])


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder or ".")
    except OSError:  # then there are no frames, and the command says so
        return []


def _in_order(path: str) -> list[tuple[bool, int, str]]:
    # Numbers are at the odd places. Python does not convert thousands of digits.
    return [
        (False, int(part), "") if place % 2 and len(part) < 20 else (True, 0, part)
        for place, part in enumerate(_NUMBERS.split(path))
    ]
