"""frames-to-video. Standard library only."""

import os
import sys
from collections.abc import Iterable, Mapping
from glob import glob
from typing import TYPE_CHECKING, Any

from worker_host.commands.parameters import (
    CommandFailed,
    number,
    shown_number,
    text,
    texts,
    words,
)

if TYPE_CHECKING:
    from worker_host.commands.context import Context

_INDEX_NAME = "ffmpeg-file-index.txt"


def command_line(parameters: Mapping[str, Any], frames: list[str]) -> list[str]:
    """Return ffmpeg's command line.

    Args:
        frames: the arguments that say where the frames come from.
    """
    return [
        text(parameters, "exe"),
        *words(parameters, "exeArgs"),
        *texts(parameters, "argsBefore"),
        *frames,
        *texts(parameters, "args"),
        "-r",
        shown_number(_frame_rate(parameters)),
        text(parameters, "outputFile"),
    ]


def frames_by_glob(pattern: str, frame_rate: float) -> list[str]:
    """Return the arguments with which ffmpeg itself finds the frames, on Linux and macOS."""
    slashed = pattern.replace("\\", "/")
    return ["-r", shown_number(frame_rate), "-pattern_type", "glob", "-i", slashed]


def frames_by_index(index_path: str) -> list[str]:
    """Return the arguments that name a list of frames: ffmpeg for Windows has no glob."""
    return ["-f", "concat", "-safe", "0", "-i", index_path]


def index_of_frames(paths: Iterable[str], frame_rate: float) -> str:
    """Return the content of the list of frames: each frame with its duration."""
    lines = []
    for path in paths:
        lines.append("file '{}'".format(path.replace("'", "\\'")))
        lines.append(f"duration {1 / frame_rate:.6f}")
    return "".join(f"{line}\n" for line in lines)


def frames_to_video(parameters: Mapping[str, Any], context: "Context") -> None:
    pattern, frame_rate = text(parameters, "inputGlob"), _frame_rate(parameters)
    if sys.platform != "win32":
        context.run(command_line(parameters, frames_by_glob(pattern, frame_rate)))
        return
    index_path = os.path.join(os.path.dirname(pattern), _INDEX_NAME)
    argv = command_line(parameters, frames_by_index(index_path))
    paths = sorted(glob(pattern))
    if not paths:
        raise CommandFailed(f'no frames found: "{pattern}"')
    with open(index_path, "w", encoding="utf-8") as index:
        index.write(index_of_frames(paths, frame_rate))
    try:
        context.run(argv)
    finally:
        os.unlink(index_path)


def _frame_rate(parameters: Mapping[str, Any]) -> float:
    rate = number(parameters, "fps")
    if not rate:
        raise CommandFailed('parameter "fps" must not be zero')
    return rate


COMMANDS = {"frames-to-video": frames_to_video}
