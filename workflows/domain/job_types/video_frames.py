"""Tells `frames-to-video` commands which frames their video has, if the job's tasks say it.

The command itself has only a pattern, `*.png`, which other files in the folder may fit, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import PurePath
from typing import Any

from workflows.domain.blender_arguments import frames_of
from workflows.domain.frame_files import FrameFiles, files_of_arguments, frame_files, previews_of
from workflows.domain.frames import BadFrameRange, frames_text, parse_frames
from workflows.domain.job_types import paths
from workflows.domain.job_types.definitions import AuthoredTask

VIDEO = "frames-to-video"
#: The task of Flamenco's `simple-blender-render` and of scripts made from it.
PREVIEW = "preview-video"


def with_frames(tasks: Sequence[AuthoredTask], settings: Mapping[str, Any]) -> list[AuthoredTask]:
    """Return the tasks; their videos have `frames`, `frameName` and `mayFail` where they fit.

    Parameters that a script has set itself stay.
    """
    if not any(command.name == VIDEO for task in tasks for command in task.commands):
        return list(tasks)
    waited_for = {position for task in tasks for position in task.dependencies}
    return [
        _finished(task, tasks, settings, is_last=position not in waited_for)
        for position, task in enumerate(tasks, 1)
    ]


def _finished(
    task: AuthoredTask,
    tasks: Sequence[AuthoredTask],
    settings: Mapping[str, Any],
    *,
    is_last: bool,
) -> AuthoredTask:
    may_fail = {"mayFail": True} if is_last and task.name == PREVIEW else {}
    commands = []
    for command in task.commands:
        if command.name == VIDEO:
            known = _frames_of_video(command.parameters.get("inputGlob"), tasks, settings)
            parameters = {**known, **may_fail, **command.parameters}
            commands.append(replace(command, parameters=parameters))
        else:
            commands.append(command)
    return replace(task, commands=tuple(commands))


def _frames_of_video(
    pattern: Any, tasks: Sequence[AuthoredTask], settings: Mapping[str, Any]
) -> dict[str, str]:
    """Return the command's further parameters; none if the frames are not known for sure."""
    if not isinstance(pattern, str):
        return {}
    fitting = {
        named: frames
        for files, frames in _rendered(tasks, settings, PurePath(pattern).suffix).items()
        if frames and _is_same(files.directory, paths.dirname(pattern))
        for named in _named(files, min(frames), paths.basename(pattern), settings)
    }
    if len(fitting) != 1:
        return {}
    [(named, frames)] = fitting.items()
    return {"frames": frames_text(frames), "frameName": named.pattern}


def _rendered(
    tasks: Iterable[AuthoredTask], settings: Mapping[str, Any], extension: str
) -> dict[FrameFiles, set[int]]:
    """Return the frames that the tasks render, by the names of their files."""
    rendered: dict[FrameFiles, set[int]] = {}
    of_settings = frame_files(settings)
    for arguments in _arguments(tasks):
        files = files_of_arguments(arguments, extension) or of_settings
        if files is not None:
            frames = frames_of(arguments)
            rendered.setdefault(files, set()).update(
                _frames_of_settings(settings) if frames is None else frames
            )
    return rendered


def _arguments(tasks: Iterable[AuthoredTask]) -> Iterator[list[str]]:
    for task in tasks:
        for command in task.commands:
            arguments = command.parameters.get("args")
            if command.name == "blender-render" and isinstance(arguments, list):
                yield list(map(str, arguments))


def _frames_of_settings(settings: Mapping[str, Any]) -> list[int]:
    try:
        return parse_frames(str(settings.get("frames", "")))
    except BadFrameRange:
        return []


def _is_same(directory: str, other: str) -> bool:
    return paths.join(directory) == paths.join(other)


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
