"""blender-render. Standard library only."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from worker_host.blender_warnings import ASK_FOR_MISSING_FILES, BlenderWarnings
from worker_host.commands.blender_frames import (
    LONGEST_PATH,
    FrameAccount,
    frames_of,
    output_of,
)
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
        *([blend_file, "--python-expr", ASK_FOR_MISSING_FILES] if blend_file else []),
        *texts(parameters, "args"),
    ]


def blender_render(parameters: Mapping[str, Any], context: "Context") -> None:
    argv = command_line(parameters)
    blend_file = parameters["blendfile"]
    if blend_file and not os.path.exists(blend_file):
        # Blender's own message is easily missed among the lines that it prints at its start.
        context.log(f'blend file does not exist: "{blend_file}"')
        raise CommandFailed(f'blend file does not exist: "{blend_file}"')
    arguments = [*words(parameters, "exeArgs"), *texts(parameters, "args")]
    _check_output(output_of(arguments))
    account = _rendered(argv, context)
    if problems := account.set_aside_skipped():
        for problem in problems:
            context.log(problem)
        context.log("rendering these frames again")
        account = _rendered(argv, context)
        if left := account.set_aside_skipped():
            raise CommandFailed(left[0])
    account.check(frames_of(arguments))


def _rendered(argv: Sequence[str], context: "Context") -> FrameAccount:
    account, warnings = FrameAccount(), BlenderWarnings(context.warnings)

    def heard(line: bytes) -> None:
        account.line(line)
        warnings.line(line)

    try:
        context.run(argv, heard)
    except CommandFailed as failure:
        if account.error:
            raise CommandFailed(f"{account.error} ({failure})") from failure
        raise
    if account.is_without_scene:
        raise CommandFailed(account.error)
    return account


def _check_output(path: str) -> None:
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise CommandFailed(
            f"the output path has {length} bytes, and Blender cuts it off after {LONGEST_PATH}"
        )


COMMANDS = {"blender-render": blender_render}
