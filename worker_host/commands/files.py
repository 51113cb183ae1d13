"""make-directory, move-directory, copy-file. Standard library only."""

import os
import re
import stat
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from worker_host.commands.parameters import CommandFailed, text

if TYPE_CHECKING:
    from worker_host.commands.context import Context

_CHUNK = 1024 * 1024


def make_directory(parameters: Mapping[str, Any], context: "Context") -> None:
    path = text(parameters, "path")
    context.log(f'make-directory: "{path}"')
    try:
        _make_directories(path, 0o775)
    except OSError as error:
        raise CommandFailed(f'cannot create directory "{path}": {error.strerror}') from error


def move_directory(parameters: Mapping[str, Any], context: "Context") -> None:
    """Rename the directory, so that all of it moves or nothing.

    An existing destination is renamed, not lost.
    """
    source, destination = text(parameters, "src"), text(parameters, "dest")
    if not os.path.lexists(source):
        raise CommandFailed(f'cannot move "{source}": it does not exist')
    if os.path.lexists(destination):
        aside = name_aside(destination)
        context.log(f'move-directory: "{destination}" exists, moving it to "{aside}"')
        _rename(destination, aside)
    context.log(f'move-directory: moving "{source}" to "{destination}"')
    _rename(source, destination)


def name_aside(path: str) -> str:
    """Return a free path to move `path` to: its own time is appended, and a number if needed."""
    path = path.rstrip("/")
    modified = time.localtime(os.lstat(path).st_mtime)
    dated = f"{path}-{time.strftime('%Y-%m-%d_%H%M%S', modified)}"
    if not os.path.lexists(dated):
        return dated
    directory, prefix = os.path.split(dated)
    numbered = re.compile(re.escape(prefix) + r"-(\d+)")
    matches = map(numbered.fullmatch, os.listdir(directory or "."))
    highest = max((int(match[1]) for match in matches if match), default=0)
    return f"{dated}-{highest + 1:03}"


def copy_file(parameters: Mapping[str, Any], context: "Context") -> None:
    source, destination = text(parameters, "src"), text(parameters, "dest")
    for path in (source, destination):
        if not os.path.isabs(path):
            raise CommandFailed(f'copy-file wants absolute paths, not "{path}"')
    context.log(f'copy-file: copying "{source}" to "{destination}"')
    try:
        if not stat.S_ISREG(os.stat(source).st_mode):
            raise CommandFailed(f'cannot copy "{source}": it is no regular file')
        if os.path.lexists(destination):
            raise CommandFailed(f'cannot copy to "{destination}": it exists already')
        _make_directories(os.path.dirname(destination), 0o750)
        _copy(source, destination, context)
    except OSError as error:
        reason = f"{error.filename}: {error.strerror}"
        raise CommandFailed(f'cannot copy "{source}" to "{destination}": {reason}') from error


def _copy(source: str, destination: str, context: "Context") -> None:
    with open(source, "rb") as reader, open(destination, "xb") as writer:
        try:
            while chunk := reader.read(_CHUNK):
                context.checkpoint()
                writer.write(chunk)
        except BaseException:
            # If half a file stayed, the next attempt would refuse to overwrite it.
            os.unlink(destination)
            raise


def _make_directories(path: str, mode: int) -> None:
    """Make a directory and its parents, all with `mode`; `os.makedirs` ignores it for parents."""
    if os.path.isdir(path):
        return
    parent = os.path.dirname(path.rstrip("/"))
    if parent:
        _make_directories(parent, mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise


def _rename(source: str, destination: str) -> None:
    try:
        os.rename(source, destination)
    except OSError as error:
        raise CommandFailed(
            f'cannot move "{source}" to "{destination}": {error.strerror}'
        ) from error


COMMANDS = {
    "make-directory": make_directory,
    "move-directory": move_directory,
    "copy-file": copy_file,
}
