"""frames-to-video. Standard library only."""

import os
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from worker_host.commands.parameters import (
    CommandFailed,
    ProgramFailed,
    number,
    shown_number,
    text,
    texts,
    words,
)
from worker_host.commands.video_frames import NoFrames, VideoFrame, frames_of_video, replacements

if TYPE_CHECKING:
    from worker_host.commands.context import Context

#: Parts of the lines in which ffmpeg says why it fails.
_REASONS = re.compile(rb"rror|nvalid|o such|ot found|denied|annot|ould not|nable to|Unknown")
_UNREADABLE = "ffmpeg cannot read it"
#: Most frames that a sentence names.
_NAMED = 5


def command_line(parameters: Mapping[str, Any], frames: Sequence[str]) -> list[str]:
    """Return ffmpeg's command line.

    Args:
        frames: the arguments that say where the frames come from.
    """
    return [
        *_program(parameters),
        *texts(parameters, "argsBefore"),
        *frames,
        *texts(parameters, "args"),
        "-r",
        shown_number(_frame_rate(parameters)),
        text(parameters, "outputFile"),
    ]


def frames_to_video(parameters: Mapping[str, Any], context: "Context") -> None:
    """Make a video of the frames.

    Frames that are missing or broken are named in a warning, and the video shows the frame before
    in their place. A video that may fail (`mayFail`) fails with a warning, too. It fails the task
    only where another machine may be better: ffmpeg is missing, or the fault is the machine's.
    """
    _frame_rate(parameters)
    try:
        frames = frames_of_video(parameters, context.checkpoint)
        with context.scratch() as folder:
            _Video(parameters, context, frames, folder).make()
    except (NoFrames, ProgramFailed) as problem:
        if not _is_preview(parameters) or _is_machines(problem, context):
            raise
        context.warn(f"there is no preview video: {problem}", is_of_preview=True)


def _is_preview(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("mayFail") is True


def _is_machines(problem: NoFrames | ProgramFailed, context: "Context") -> bool:
    if isinstance(problem, NoFrames):
        return problem.is_folder_missing
    return context.is_machines_fault(str(problem))


class _Video:
    def __init__(
        self,
        parameters: Mapping[str, Any],
        context: "Context",
        frames: Sequence[VideoFrame],
        folder: str,
    ) -> None:
        self._parameters = parameters
        self._context = context
        self._frames = frames
        self._folder = folder
        self._extension = os.path.splitext(frames[0].path)[1].lower()
        self._reason = b""

    def make(self) -> None:
        self._warn(self._frames)
        self._link()
        if self._run():
            return
        unreadable = self._unreadable()
        if not unreadable:  # the job type's own arguments leave frames out, or show them twice
            return
        self._frames = [
            replace(frame, problem=_UNREADABLE) if frame.name in unreadable else frame
            for frame in self._frames
        ]
        self._warn([frame for frame in self._frames if frame.name in unreadable])
        if all(frame.problem for frame in self._frames):
            raise NoFrames("ffmpeg can read no frame", os.path.dirname(self._frames[0].path))
        self._link()
        self._run()

    def _warn(self, frames: Sequence[VideoFrame]) -> None:
        broken = [f"{frame.name} ({frame.problem})" for frame in frames if frame.problem]
        if broken:
            more = f" and {len(broken) - _NAMED} more" if len(broken) > _NAMED else ""
            named = ", ".join(broken[:_NAMED]) + more
            self._context.warn(
                f"the video shows other frames in place of {named}",
                is_of_preview=_is_preview(self._parameters),
            )

    def _link(self) -> None:
        """Give the frames names that count from 1.

        So neither names nor patterns need to be escaped, and each frame of the video has a file.
        """
        for position, path in enumerate(replacements(self._frames), 1):
            link = os.path.join(self._folder, f"{position:09}{self._extension}")
            with suppress(FileNotFoundError):
                os.unlink(link)
            os.symlink(os.path.abspath(path), link)

    def _input(self) -> list[str]:
        frames = os.path.join(self._folder.replace("%", "%%"), f"%09d{self._extension}")
        rate = shown_number(_frame_rate(self._parameters))
        return ["-f", "image2", "-framerate", rate, "-start_number", "1", "-i", frames]

    def _run(self) -> bool:
        """Run ffmpeg; return whether the video shows each frame once."""
        progress = os.path.join(self._folder, "progress")
        argv = command_line(self._parameters, ["-progress", progress, *self._input()])
        try:
            self._context.run(argv, self._hear)
        except ProgramFailed as failure:
            raise failure.with_reason(self._reason.decode("utf-8", "replace").strip()) from failure
        frames = _last_count(progress, b"frame")
        return not _last_count(progress, b"dup_frames") and frames in (None, len(self._frames))

    def _hear(self, line: bytes) -> None:
        if _REASONS.search(line):
            self._reason = line[:300]

    def _unreadable(self) -> set[str]:
        """Return the names of the frames that ffmpeg cannot decode."""
        listing = os.path.join(self._folder, "readable")
        output = ["-vf", "scale=16:16", "-f", "framecrc", "-y", listing]
        try:
            self._context.run([*_program(self._parameters), *self._input(), *output])
        except ProgramFailed:
            return set()
        readable = _positions(listing)
        return {
            frame.name
            for position, frame in enumerate(self._frames)
            if position not in readable and not frame.problem
        }


def _program(parameters: Mapping[str, Any]) -> list[str]:
    return [text(parameters, "exe"), *words(parameters, "exeArgs")]


def _frame_rate(parameters: Mapping[str, Any]) -> float:
    rate = number(parameters, "fps")
    if not rate:
        raise CommandFailed('parameter "fps" must not be zero')
    return rate


def _last_count(progress: str, name: bytes) -> int | None:
    """Return the last value in ffmpeg's report of its progress; None if there is none."""
    try:
        with open(progress, "rb") as file:
            counts = re.findall(rb"^%s=\s*(\d+)" % name, file.read(), re.MULTILINE)
    except FileNotFoundError:
        return None
    return int(counts[-1]) if counts else None


def _positions(listing: str) -> set[int]:
    """Return the positions, from 0, of the frames that ffmpeg's list of checksums has."""
    with open(listing, "rb") as file:
        return {
            int(found) for found in re.findall(rb"^0,[^,]*,\s*(\d+),", file.read(), re.MULTILINE)
        }


COMMANDS = {"frames-to-video": frames_to_video}
