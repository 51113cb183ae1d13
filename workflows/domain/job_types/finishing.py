"""Finishes the tasks that a job type made, so that Blender and FFmpeg can carry them out.

This is done for every job type, because scripts put settings into command lines as they are, too.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from workflows.domain.blender_arguments import (
    RENDER_FORMAT,
    RENDER_FRAME,
    RENDER_OUTPUT,
    for_blender,
    frame_arguments,
)
from workflows.domain.frame_files import COMMAND_LINE_FORMATS, resolved
from workflows.domain.frames import BLENDERS_LAST_FRAME, BadFrameRange, spans_of
from workflows.domain.job_types.definitions import (
    AuthoredCommand,
    AuthoredTask,
    CompileError,
    SubmittedJob,
)
from workflows.domain.job_types.video_frames import VIDEO, with_frames

#: The longest name of a task, in characters; longer names are shortened.
LONGEST_NAME = 255
_NAMES_END = 60
#: The longest list of frames in a command line, in characters. Windows takes command lines of
#: 32,767 characters, and Linux arguments of 131,071.
LONGEST_LIST = 16_000
_RENDER = "blender-render"
#: A sign before a number. Blender understands it relative to the scene's frames.
_RELATIVE = re.compile(r"(?:^|,|\.\.)\s*[-+]")
#: Frames as scripts get them in a chunk, with `..` for all, some or none of the `-`: `-3--1`
#: becomes `..3....1`.
_OF_CHUNK = re.compile(r"^\.\.|\d-")
_NUMBER = re.compile(r"\d+")


def finished(job: SubmittedJob, tasks: Sequence[AuthoredTask]) -> list[AuthoredTask]:
    """Return the tasks with commands that can work.

    * Formats get the names that Blender's command line knows.
    * Paths that begin with `//` get the blend file's folder, for FFmpeg as for Blender.
    * Negative frames get the arguments that Blender needs.
    * A list of frames that is too long for a command line is cut into several commands.
    * Videos get the list of their frames.

    Raises:
        CompileError: a task renders frames that Blender does not have, or its output path has
            line breaks.
    """
    places = _Places(job.settings)
    done = [
        replace(
            task,
            name=_bounded(task.name),
            commands=tuple(
                each for command in task.commands for each in _finished(command, places)
            ),
        )
        for task in tasks
    ]
    return with_frames(done, job.settings)


class _Places:
    """What `//` at the beginning of a path means in a job."""

    def __init__(self, settings: dict[str, Any]) -> None:
        blend_file = settings.get("blendfile")
        self._blend_file = blend_file if isinstance(blend_file, str) else ""
        # Job types write \\server\share with slashes, as Flamenco's functions for paths do.
        self._servers = {
            value.replace("\\", "/").split("/")[2]
            for value in settings.values()
            if isinstance(value, str) and value.startswith("\\\\")
        }

    def for_blender(self, path: str) -> str:
        # Blender takes two slashes for the blend file's folder, but not two backslashes.
        return path.replace("/", "\\") if self._is_on_server(path) else self.resolved(path)

    def resolved(self, path: str) -> str:
        return path if self._is_on_server(path) else resolved(path, self._blend_file)

    def _is_on_server(self, path: str) -> bool:
        return path.startswith("//") and path.split("/")[2] in self._servers


def _bounded(name: str) -> str:
    if len(name) <= LONGEST_NAME:
        return name
    return f"{name[: LONGEST_NAME - _NAMES_END - 1]}…{name[-_NAMES_END:]}"


def _finished(command: AuthoredCommand, places: _Places) -> Iterable[AuthoredCommand]:
    if command.name == VIDEO:
        return [_video(command, places)]
    arguments = command.parameters.get("args")
    if command.name != _RENDER or not isinstance(arguments, list):
        return [command]
    return _renders(_with_arguments(command, _readable(arguments, places)))


def _video(command: AuthoredCommand, places: _Places) -> AuthoredCommand:
    found = {
        name: places.resolved(path)
        for name in ("inputGlob", "outputFile")
        if isinstance(path := command.parameters.get(name), str)
    }
    return replace(command, parameters={**command.parameters, **found})


def _readable(arguments: list[Any], places: _Places) -> list[Any]:
    """Return Blender's arguments with the formats and paths that it understands."""
    readable = list(arguments)
    for place, option in enumerate(for_blender(arguments)[:-1], 1):
        value = readable[place]
        if option in RENDER_FORMAT:
            readable[place] = COMMAND_LINE_FORMATS.get(value, value)
        elif option in RENDER_OUTPUT and isinstance(value, str):
            _check_output(value)
            readable[place] = places.for_blender(value)
    return readable


def _renders(command: AuthoredCommand) -> Iterator[AuthoredCommand]:
    """Yield the command, or several that each render a part of its frames."""
    arguments = command.parameters["args"]
    options = for_blender(arguments)[:-1]
    place = next((n for n, option in enumerate(options) if option in RENDER_FRAME), None)
    value = "" if place is None else arguments[place + 1]
    if place is None or not isinstance(value, str):
        yield command
        return
    _check_frames(value)
    is_too_long = len(value) > LONGEST_LIST and not _RELATIVE.search(value)
    if not is_too_long and not _OF_CHUNK.search(value):
        yield command
        return
    try:
        spans = spans_of(value)
    except BadFrameRange as problem:
        raise CompileError(f"Blender cannot render these frames: {problem}") from problem
    before, after = arguments[:place], arguments[place + 2 :]
    for piece in _pieces(spans):
        steps = sum(map(len, piece)) if command.total_step_count else 0
        part = replace(command, total_step_count=steps)
        yield _with_arguments(part, [*before, *frame_arguments(piece), *after])


def _check_output(path: str) -> None:
    # Blender names each frame that it has saved, in a line.
    if any(ord(character) < ord(" ") for character in path):
        raise CompileError(f"An output path has no line breaks or tabs, unlike {path[:200]!r}.")


def _check_frames(value: str) -> None:
    for number in _NUMBER.findall(value):
        # Check the length first: Python refuses to convert thousands of digits.
        if len(number.lstrip("0")) > 7 or int(number) > BLENDERS_LAST_FRAME:
            raise CompileError(
                f"Blender has no frame {number[:20]}: its frames end at {BLENDERS_LAST_FRAME:,}."
            )


def _pieces(spans: Iterable[range]) -> Iterator[list[range]]:
    """Cut frames into pieces whose text is not too long for a command line."""
    piece: list[range] = []
    length = 0
    for span in spans:
        # Two numbers, and what is between them and the next ones.
        added = (
            len(str(span[0])) + len(str(span[-1])) + 5 if len(span) > 1 else len(str(span[0])) + 2
        )
        if piece and length + added > LONGEST_LIST:
            yield piece
            piece, length = [], 0
        piece.append(span)
        length += added
    yield piece


def _with_arguments(command: AuthoredCommand, arguments: list[Any]) -> AuthoredCommand:
    return replace(command, parameters={**command.parameters, "args": arguments})
