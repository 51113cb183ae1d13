"""Commands by name. Standard library only; a command's module is loaded when it is needed."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker_host.commands.context import Context

_MODULES = {
    "blender-render": "blender",
    "frames-to-video": "ffmpeg",
    "make-directory": "files",
    "move-directory": "files",
    "copy-file": "files",
    "exec": "misc",
    "echo": "misc",
    "sleep": "misc",
    "log": "misc",
}


def command_named(name: str) -> "Callable[[Mapping[str, Any], Context], None]":
    """Return the function that carries out a command; it raises `CommandFailed` if that fails.

    Raises:
        CommandFailed: there is no command of this name.
    """
    if name not in _MODULES:
        from worker_host.commands.parameters import CommandFailed

        raise CommandFailed(f'unknown command: "{name}"')
    module = import_module(f"{__name__}.{_MODULES[name]}")
    command: Callable[[Mapping[str, Any], Context], None] = module.COMMANDS[name]
    return command
