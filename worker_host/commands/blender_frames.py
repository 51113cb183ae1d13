"""Accounts for the frames of a Blender command: each must have been written, and be whole.

Blender's exit code does not say this: it is 0 for a scene that the file does not have, and a
frame that Blender "skips" may be a file that a killed Blender left behind. Standard library only.
"""

import os
import re
from collections.abc import Sequence
from itertools import pairwise

from worker_host.blender_output import FrameSaved, parse_line, skipped_file
from worker_host.commands.parameters import CommandFailed
from workflows.domain.frames import MAX_FRAMES
from workflows.domain.whole_images import why_not_whole

#: What a file that is not whole is renamed to, so that Blender renders its frame again.
SET_ASIDE = ".incomplete"
#: Blender cuts a longer path, and renders to another file.
LONGEST_PATH = 1023
#: Most frames whose absence a sentence names.
_NAMED = 10
#: Parts of the lines that count; most lines of Blender have none of them.
_OF_INTEREST = (
    b"Read blend",
    b"Blender quit",
    b"Saved: ",
    b"skipping ",
    b"Skipping ",
    b"Error",
    b"find scene",
)
_BLENDERS = re.compile(r"^(?:[\d:.]+\s+\S+\s*\|\s?)?(?:Read blend\b|Blender quit\b)")
_NO_SCENE = re.compile(r"Can't find scene: '(.*)' in file")
_ERROR = re.compile(r"^(?:[\d:.]+\s+\S+\s*\|\s?)?((?:Error|ERROR)\b.{1,300})")
_NUMBER = re.compile(r"\d+")
_RANGE = re.compile(r"(-?\d+)(?:\.\.(-?\d+))?")


class FrameAccount:
    """What Blender says about its frames in one run of the program."""

    def __init__(self) -> None:
        self.saved: dict[str, None] = {}
        self.skipped: dict[str, None] = {}
        self.speaks_as_blender = False
        """Whether the program says what Blender says when it opens a file, or when it ends."""
        self.error = ""
        """The first error that Blender has named."""

    def line(self, line: bytes) -> None:
        """Take in a line of Blender's output."""
        if not any(part in line for part in _OF_INTEREST):
            return
        text = os.fsdecode(line)
        self.speaks_as_blender = self.speaks_as_blender or bool(_BLENDERS.match(text))
        if found := _NO_SCENE.search(text):
            self.error = self.error or f'the blend file has no scene "{found[1]}"'
        elif found := _ERROR.search(text):
            self.error = self.error or found[1].strip()
        if skipped := skipped_file(text):
            self.skipped[skipped] = None
        for event in parse_line(text):
            if isinstance(event, FrameSaved):
                self.saved[event.path] = None

    def is_without_scene(self) -> bool:
        return self.error.startswith("the blend file has no scene")

    def set_aside_skipped(self) -> list[str]:
        """Rename the skipped files that are not whole; return a sentence for each."""
        return [
            f'"{path}" was left by an earlier try, but {why}; it is now "{_set_aside(path)}"'
            for path in self.skipped
            if (why := _why_not_whole(path))
        ]

    def check(self, frames: Sequence[int] | None) -> None:
        """Check that every frame has a file that is whole.

        A program in Blender's place that says nothing of frames is believed.

        Args:
            frames: the frames that the command renders; None if the command line does not say.

        Raises:
            CommandFailed: a frame has no file, or a file is not whole.
        """
        for path in self.saved:
            if why := _why_not_whole(path):
                raise CommandFailed(f'Blender says it has saved "{path}", but {why}')
        if not (self.speaks_as_blender or self.saved or self.skipped):
            return
        written = self._numbers()
        missing = [frame for frame in frames or () if abs(frame) not in written]
        if missing:
            named = ", ".join(map(str, missing[:_NAMED]))
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            plural = "s" if len(missing) > 1 else ""
            raise CommandFailed(f"Blender ended without having written frame{plural} {named}{more}")

    def _numbers(self) -> set[int]:
        """Return the numbers in the names of the files; one of each name is the frame's."""
        names = (os.path.basename(path) for path in (*self.saved, *self.skipped))
        return {int(number) for name in names for number in _NUMBER.findall(name)}


def frames_of(arguments: Sequence[str]) -> list[int] | None:
    """Return the frames that Blender's arguments name, in order.

    Returns:
        None: they name none, or in a way that only Blender understands, such as `+1`.
    """
    frames: list[int] | None = None
    for option, value in pairwise(arguments):
        if option in ("-f", "--render-frame"):
            listed = _frames_in(value)
            if listed is None:
                return None
            frames = (frames or []) + listed
    return frames


def _frames_in(value: str) -> list[int] | None:
    frames: list[int] = []
    for part in value.split(","):
        found = _RANGE.fullmatch(part.strip())
        if not found:
            return None
        first, last = int(found[1]), int(found[2] or found[1])
        if last - first > MAX_FRAMES:
            return None
        frames += range(first, last + 1)
    return frames


def output_of(arguments: Sequence[str]) -> str:
    """Return the output path in Blender's arguments; an empty text if there is none."""
    found = ""
    for option, value in pairwise(arguments):
        if option in ("-o", "--render-output"):
            found = value
    return found


def _why_not_whole(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return why_not_whole(file, os.path.basename(path))
    except FileNotFoundError:
        return "there is no such file"
    except OSError as error:
        return f"it cannot be read: {error.strerror}"


def _set_aside(path: str) -> str:
    new = path + SET_ASIDE
    try:
        os.replace(path, new)
    except OSError as error:
        raise CommandFailed(f'"{path}" cannot be renamed: {error.strerror}') from error
    return new
