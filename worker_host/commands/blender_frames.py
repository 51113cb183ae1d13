"""Accounts for the frames of a Blender command: each must have been written, and be whole.

Blender's exit code does not say this: it is 0 for a scene that the file does not have, and a
frame that Blender "skips" may be a file that a killed Blender left behind. Standard library only.
"""

import os
import re
from collections.abc import Callable, Iterable, Sequence, Set

from worker_host.blender_output import FrameSaved, FrameStarted, StepDone, parse_line, skipped_file
from worker_host.commands.frames_found import FramesFound, why_not_there
from worker_host.commands.parameters import CommandFailed
from workflows.domain.blender_arguments import animations_of, frames_of, renders
from workflows.domain.frame_files import FrameFiles

#: In bytes. Blender 3.4 cuts a longer path off, and the frame goes to another file (measured).
LONGEST_PATH = 1013
#: Most frames whose absence a sentence names.
_NAMED = 10
#: Parts of the lines that count; most lines of Blender have none of them.
_OF_INTEREST = (
    b"Read blend",
    b"Blender quit",
    b"Saved: ",
    b"Moved: ",
    b"skipping ",
    b"Skipping ",
    b"Error",
    b"find scene",
    b"Fra:",
    b"Rendering frame ",
    b"Append frame ",
    b"Time: ",
)
#: What Blender 5 begins its lines with.
_PREFIX = r"^(?:[\d:.]+\s+\S+\s*\|\s?)?"
_BLENDERS = re.compile(_PREFIX + r"(?:Read blend\b|Blender quit\b)")
_QUIT = re.compile(_PREFIX + r"Blender quit\b")
_NO_SCENE = re.compile(r"Can't find scene: '(.*)' in file")
_NO_FORMAT = "Format from '-F / --render-format' not known"
_ERROR = re.compile(_PREFIX + r"((?:Error|ERROR)\b.{1,300})")
_TRACEBACK = re.compile(r"Error: Python: (?:Traceback \(most recent call last\):|\s*File )")
_LONGEST = 300
_SAVED = re.compile(_PREFIX + "Saved: '")
#: A frame was added to a movie.
_APPENDED = re.compile(_PREFIX + r"Append frame (-?\d+)")
#: Not Blender's: a script in the blend file says it of a frame that it has moved.
_MOVED = re.compile(r"Moved: '(.*)' -> '(.*)'\s*$")
_NUMBER = re.compile(r"\d+")


class FrameAccount:
    """What Blender says about its frames in one run of the program."""

    def __init__(
        self,
        on_saved: Callable[[str], None] = lambda _: None,
        files: FrameFiles | None = None,
    ) -> None:
        """
        Args:
            on_saved: called with the path of each file that Blender has saved.
            files: how the frames are named; None if the command line does not say.
        """
        self._on_saved = on_saved
        self._files = files
        self._named: set[int] = set()
        """The frames whose files have the names that the command line says."""
        self._unknown: dict[str, None] = {}
        """Files of frames that nothing but a number in their names tells."""
        self.saved: dict[str, None] = {}
        self.skipped: dict[str, None] = {}
        self._moved: dict[str, str] = {}
        """Where saved files are now, by the path under which Blender has saved them."""
        self.is_without_scene = False
        self.is_without_format = False
        """Whether Blender does not know the format, and so renders the file's own."""
        self._views: dict[tuple[str, tuple[str, ...]], list[str]] = {}
        """Skipped files of a frame's views, by folder and numbers in the name."""
        self._frame: int | None = None
        self._written: set[int] = set()
        self._is_rendering = False
        self.has_movie = False
        """Whether frames were added to a movie. Blender does not say whether that is written."""
        self.has_quit = False
        """Whether Blender has said that it ends."""
        self.steps = 0
        """Counts Blender's lines about frames and about its end."""
        self.speaks_as_blender = False
        """Whether the program says what Blender says when it opens a file, or when it ends."""
        self._is_in_traceback = False
        self.error = ""
        """The first error that Blender has named."""

    def line(self, line: bytes) -> None:
        """Take in a line of Blender's output."""
        if not (self._is_in_traceback or any(part in line for part in _OF_INTEREST)):
            return
        text = os.fsdecode(line)
        self.speaks_as_blender = self.speaks_as_blender or bool(_BLENDERS.match(text))
        self._hear_error(text)
        if skipped := skipped_file(text):
            self._skip(skipped, is_view=" for view " in text)
        if found := _APPENDED.match(text):
            self._written.add(int(found[1]))
            self.has_movie = True
        if found := _MOVED.match(text):
            self._moved[found[1]] = found[2]
            self._on_saved(found[2])
        if _QUIT.match(text):
            self.has_quit = True
        self._hear_steps(text)
        self.steps += 1

    def _hear_steps(self, text: str) -> None:
        for event in parse_line(text):
            if isinstance(event, FrameStarted):
                self._frame = event.frame
                self._is_rendering = True
            elif isinstance(event, FrameSaved) and _SAVED.match(text):
                self._save(event.path)
            elif isinstance(event, StepDone):
                self._is_rendering = False

    def _hear_error(self, text: str) -> None:
        if _NO_FORMAT in text:
            self.is_without_format = True
        if found := _NO_SCENE.search(text):
            self.error = f'the blend file has no scene "{found[1]}"'
            self.is_without_scene = True
        elif self._is_in_traceback and not text.startswith((" ", "\t")):
            self._is_in_traceback = False
            self.error = f"Error: Python: {text.strip()[:_LONGEST]}"
        elif not self.error and (found := _ERROR.match(text)):
            self.error = found[1].strip()
            # Of a Python error, the last line says what it is.
            self._is_in_traceback = bool(_TRACEBACK.match(self.error))

    def _save(self, path: str) -> None:
        self.saved[path] = None
        if not (self.is_without_scene or self.is_without_format):
            self._on_saved(path)
        if (frame := self._frame_named(path)) is not None:
            self._named.add(frame)
            self._is_rendering = False
        elif self._frame is not None:
            self._written.add(self._frame)
            # Where names are known, it may be a file of the compositor's, saved before the frame.
            self._is_rendering = self._is_rendering and self._files is not None
        else:
            self._unknown[path] = None

    def _frame_named(self, path: str) -> int | None:
        if self._files is None:
            return None
        folder, name = os.path.split(path)
        expected = self._files.directory
        is_known = os.path.isabs(expected) and not expected.startswith("//")
        if is_known and os.path.normpath(folder) != os.path.normpath(expected):
            return None
        return self._files.frame_of(name)

    def _skip(self, path: str, *, is_view: bool) -> None:
        self.skipped[path] = None
        if (frame := self._frame_named(path)) is not None:
            self._named.add(frame)
        else:
            self._unknown[path] = None
        if is_view:
            numbers = tuple(_NUMBER.findall(os.path.basename(path)))
            self._views.setdefault((os.path.dirname(path), numbers), []).append(path)

    def has_all(self, frames: Sequence[int]) -> bool:
        """Return whether Blender has said of each frame that it was saved or skipped.

        A movie is whole only when Blender has ended, so it never counts. Neither do frames that
        are named twice: Blender may render them once more.
        """
        views = sum(map(len, self._views.values()))
        skipped = len(self.skipped) - views + len(self._views)
        known = len(self._named) or len(self._written) + skipped
        if self._is_rendering or self.has_movie or known < len(frames):
            return False
        return not self._missing(frames)

    def _missing(self, frames: Iterable[int]) -> list[int]:
        if self._named:  # then other files, such as the compositor's, are no frames
            return [frame for frame in frames if frame not in self._named]
        # One number in the name of each file ends with the frame's.
        numbers = _numbers_in(self._unknown)
        return [
            frame for frame in frames if frame not in self._written and not _is_in(frame, numbers)
        ]

    def are_saved_whole(self) -> bool:
        return not any(self._why_not_there(path) for path in self.saved)

    def _why_not_there(self, path: str) -> str:
        # Python and Blender write to the same pipe, in any order.
        return why_not_there(self._moved.get(path, path))

    def set_aside_skipped(self, found: FramesFound) -> list[str]:
        """Set aside the skipped files that do not count; return a sentence for each."""
        broken = {path: why for path in self.skipped if (why := found.why_not_counted(path))}
        most = max((2, *map(len, self._views.values())))
        for views in self._views.values():
            # Blender skips all views of a frame if the file of one view exists.
            if len(views) < most or not broken.keys().isdisjoint(views):
                for path in views:
                    broken.setdefault(
                        path, "another view of its frame is missing or does not count"
                    )
        return [found.set_aside(path, why) for path, why in broken.items()]

    def check(self, arguments: Sequence[str]) -> None:
        """Check that every frame has a file that is whole.

        A program in Blender's place that says nothing of frames is believed.

        Args:
            arguments: Blender's arguments, which name the frames.

        Raises:
            CommandFailed: a frame has no file, or a file is not whole.
        """
        for path in self.saved:
            if why := self._why_not_there(path):
                raise CommandFailed(f'Blender says it has saved "{path}", but {why}')
        if not (self.speaks_as_blender or self.saved or self.skipped):
            return
        missing = self._missing(frames_of(arguments) or ())
        for animation in animations_of(arguments):
            missing += self._missing(animation.missing(self._named or self._written))
        if missing:
            named = ", ".join(map(str, missing[:_NAMED]))
            more = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
            plural = "s" if len(missing) > 1 else ""
            raise self._failure(f"Blender ended without having written frame{plural} {named}{more}")
        if renders(arguments) and not (self.saved or self.skipped or self.has_movie):
            raise self._failure("Blender ended without having written a frame")

    def _failure(self, sentence: str) -> CommandFailed:
        return CommandFailed(f"{self.error} ({sentence})" if self.error else sentence)


def _numbers_in(paths: Iterable[str]) -> set[str]:
    names = map(os.path.basename, paths)
    return {number for name in names for number in _NUMBER.findall(name)}


def _is_in(frame: int, numbers: Set[str]) -> bool:
    frame = abs(frame)  # the numbers are without signs
    if str(frame) in numbers or f"{frame:04}" in numbers or f"{frame:06}" in numbers:
        return True
    # A digit may stand before the frame's number: `v2####` becomes `v20001`.
    ends = f"{frame:04}"
    return any(int(number) == frame or number.endswith(ends) for number in numbers)
