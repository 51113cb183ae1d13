"""Tells `frames-to-video` commands which frames their video has, if the job's tasks say it.

The command itself has only a pattern, `*.png`, which other files in the folder may fit, too.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any

from workflows.domain.blender_arguments import frame_spans
from workflows.domain.frame_files import FrameFiles, files_of_arguments, frame_files, previews_of
from workflows.domain.frames import BadFrameRange, frames_text, spans_of
from workflows.domain.job_types import paths
from workflows.domain.job_types.definitions import AuthoredTask

VIDEO = "frames-to-video"
#: The task of Flamenco's `simple-blender-render` and of scripts made from it.
PREVIEW = "preview-video"
_MAGIC = re.compile(r"[*?\[]")
#: A job whose videos need more than this has a script that is out of order.
_MOST_EXTENSIONS = 16
_MOST_NAMES = 64
#: The longest list of frames for one video, in characters.
_LONGEST_TEXT = 1_000_000


def is_preview(commands: Iterable[Mapping[str, Any]]) -> bool:
    """Return whether stored commands of a task make a video that may fail."""
    return any(
        command["name"] == VIDEO and command["parameters"].get("mayFail") is True
        for command in commands
    )


def with_frames(tasks: Sequence[AuthoredTask], settings: Mapping[str, Any]) -> list[AuthoredTask]:
    """Return the tasks; their videos have `frames`, `frameFiles` and `mayFail` where they fit.

    Parameters that a script has set itself stay. Only in `inputGlob` is the folder escaped if its
    name has brackets or the like, for workers that read nothing but the pattern.
    """
    if not any(command.name == VIDEO for task in tasks for command in task.commands):
        return list(tasks)
    rendered = _Rendered(tasks, settings)
    waited_for = {position for task in tasks for position in task.dependencies}
    return [
        _finished(task, rendered, is_last=position not in waited_for)
        for position, task in enumerate(tasks, 1)
    ]


def _finished(task: AuthoredTask, rendered: "_Rendered", *, is_last: bool) -> AuthoredTask:
    may_fail = {"mayFail": True} if is_last and task.name == PREVIEW else {}
    commands = []
    for command in task.commands:
        if command.name == VIDEO:
            pattern = command.parameters.get("inputGlob")
            known = rendered.of_pattern(pattern)
            parameters = {**known, **may_fail, **command.parameters}
            if known:
                parameters["inputGlob"] = _with_literal_folder(str(pattern))
            commands.append(replace(command, parameters=parameters))
        else:
            commands.append(command)
    return replace(task, commands=tuple(commands))


class _Rendered:
    """The frames that a job's tasks render, by folder and by the names of their files."""

    def __init__(self, tasks: Sequence[AuthoredTask], settings: Mapping[str, Any]) -> None:
        self._tasks = tasks
        self._settings = settings
        self._by_extension: dict[str, dict[str, dict[FrameFiles, list[range]]]] = {}

    def of_pattern(self, pattern: Any) -> dict[str, str]:
        """Return the command's further parameters; none if the frames are not known for sure."""
        if not isinstance(pattern, str):
            return {}
        folders = self._with_extension(PurePath(pattern).suffix)
        files = folders.get(paths.join(paths.dirname(pattern)), {})
        if len(files) > _MOST_NAMES:
            return {}
        fitting = {
            named: spans
            for each, spans in files.items()
            for named in _named(each, spans[0][0], paths.basename(pattern), self._settings)
        }
        if len(fitting) != 1:
            return {}
        [(named, spans)] = fitting.items()
        text = frames_text(spans)
        if len(text) > _LONGEST_TEXT:
            return {}
        folder = paths.dirname(pattern).rstrip("/")
        return {"frames": text, "frameFiles": f"{folder}/{named.pattern}"}

    def _with_extension(self, extension: str) -> dict[str, dict[FrameFiles, list[range]]]:
        """Return the frames; files of an unknown format have this extension."""
        if extension not in self._by_extension:
            if len(self._by_extension) >= _MOST_EXTENSIONS:
                return {}
            self._by_extension[extension] = self._found(extension)
        return self._by_extension[extension]

    def _found(self, extension: str) -> dict[str, dict[FrameFiles, list[range]]]:
        found: dict[str, dict[FrameFiles, list[range]]] = {}
        of_settings = frame_files(self._settings)
        all_frames = _spans_of_settings(self._settings)
        for arguments in _arguments(self._tasks):
            files = files_of_arguments(arguments, extension) or of_settings
            spans = frame_spans(arguments) or all_frames
            if files is not None and spans:
                folder = found.setdefault(paths.join(files.directory), {})
                folder.setdefault(files, []).extend(spans)
        return found


def _with_literal_folder(pattern: str) -> str:
    folder, name = paths.dirname(pattern), paths.basename(pattern)
    literal = _MAGIC.sub(r"[\g<0>]", folder)
    return pattern if literal == folder else f"{literal}/{name}"


def _arguments(tasks: Iterable[AuthoredTask]) -> Iterator[list[str]]:
    for task in tasks:
        for command in task.commands:
            arguments = command.parameters.get("args")
            if command.name == "blender-render" and isinstance(arguments, list):
                yield list(map(str, arguments))


def _spans_of_settings(settings: Mapping[str, Any]) -> list[range]:
    try:
        return spans_of(str(settings.get("frames", "")))
    except BadFrameRange:
        return []


def _named(
    files: FrameFiles, frame: int, pattern: str, settings: Mapping[str, Any]
) -> Iterator[FrameFiles]:
    """Yield those files, of the frames and of their previews, that the pattern means."""
    # The scene's extension need not be that of the files: `.png`, but `0001.PNG`.
    if pattern == f"*{settings.get('image_file_extension')}" or fnmatchcase(
        files.name(frame), pattern
    ):
        yield files
    previews = previews_of(files)
    if previews != files and fnmatchcase(previews.name(frame), pattern):
        yield previews
