"""blender-render. Standard library only."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from worker_host.commands.parameters import CommandFailed, text, texts, words

if TYPE_CHECKING:
    from worker_host.commands.context import Context


def command_line(parameters: Mapping[str, Any]) -> list[str]:
    """Return Blender's command line. Blender carries out its arguments in their order."""
    blend_file = text(parameters, "blendfile", may_be_empty=True)
    return [
        text(parameters, "exe"),
        *words(parameters, "exeArgs"),
        *texts(parameters, "argsBefore"),
        *([blend_file] if blend_file else []),
        *texts(parameters, "args"),
    ]


def blender_render(parameters: Mapping[str, Any], context: "Context") -> None:
    argv = command_line(parameters)
    blend_file = parameters["blendfile"]
    if blend_file and not os.path.exists(blend_file):
        # Blender's own message is easily missed among the lines that it prints at its start.
        context.log(f'blend file does not exist: "{blend_file}"')
        raise CommandFailed(f'blend file does not exist: "{blend_file}"')
    context.run(argv)


COMMANDS = {"blender-render": blender_render}
