"""blender-render. Standard library only."""

import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from worker_host.commands.blender_end import BlendersEnd
from worker_host.commands.blender_frames import LONGEST_PATH, FrameAccount
from worker_host.commands.parameters import BlendFileMissing, CommandFailed, text, texts, words
from worker_host.disks import trouble_with
from workflows.domain.blender_arguments import format_of, frames_of, output_of
from workflows.domain.blender_warnings import ASK_FOR_MISSING_FILES, BlenderWarnings
from workflows.domain.frame_files import files_of_arguments

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
        raise BlendFileMissing(blend_file, f'blend file does not exist: "{blend_file}"')
    arguments = [*words(parameters, "exeArgs"), *texts(parameters, "args")]
    _check_output(output_of(arguments))
    _Rendering(argv, arguments, context).carry_out()


class _Rendering:
    """One Blender command: what is there, what Blender says, and what has come of it."""

    def __init__(self, argv: Sequence[str], arguments: Sequence[str], context: "Context") -> None:
        self._argv = argv
        self._arguments = arguments
        self._context = context
        self._found = context.frames_found
        self._saved: dict[str, None] = {}

    def carry_out(self) -> None:
        frames = frames_of(self._arguments)
        try:
            self._found.look(output_of(self._arguments), format_of(self._arguments), frames)
            account = self._rendered()
            if problems := account.set_aside_skipped(self._found):
                for problem in problems:
                    self._context.log(problem)
                self._context.log("rendering these frames again")
                account = self._rendered()
                if left := account.set_aside_skipped(self._found):
                    raise CommandFailed(left[0])
            account.check(self._arguments)
            self._check_movie(account)
        finally:
            self._found.finish(self._saved)

    def _rendered(self) -> FrameAccount:
        account = FrameAccount(self._note_saved, files_of_arguments(self._arguments))
        warnings = BlenderWarnings(self._context.warnings)

        def heard(line: bytes) -> None:
            account.line(line)
            warnings.line(line)

        end = BlendersEnd(account, self._arguments, self._context.end_grace_s)
        try:
            self._context.run(
                self._argv, heard, lambda run_s: self._in_vain(account) or end.overdue(run_s)
            )
        except CommandFailed as failure:
            self._check_request(account)
            if account.error:
                raise CommandFailed(f"{account.error} ({failure})") from failure
            raise
        self._check_request(account)
        return account

    def _check_request(self, account: FrameAccount) -> None:
        """Check that Blender renders what it was told to; remove what it has rendered instead.

        Raises:
            CommandFailed: it does not.
        """
        if why := self._in_vain(account):
            for path in account.saved:
                self._found.drop(path)
            raise CommandFailed(why)

    def _in_vain(self, account: FrameAccount) -> str:
        """Return why Blender renders something else than it was told to; empty if it does not."""
        if account.is_without_scene:
            return account.error
        if account.is_without_format:
            return f"this Blender does not know the format {format_of(self._arguments)}"
        return ""

    def _check_movie(self, account: FrameAccount) -> None:
        """Check the disk of a movie: if it is full, Blender says nothing, and ends with 0.

        Raises:
            CommandFailed: the movie may be cut off.
        """
        folder = os.path.dirname(output_of(self._arguments))
        if account.has_movie and os.path.isabs(folder) and (cause := trouble_with([folder], 0)):
            raise CommandFailed(f"Blender has ended, but its movie may be cut off: {cause.words}")

    def _note_saved(self, path: str) -> None:
        self._saved[path] = None
        self._found.note_written(path)


def _check_output(path: str) -> None:
    if path and not (os.path.isabs(path) or path.startswith(("//", "{"))):
        raise CommandFailed(
            f'the output path is relative, so each machine writes in another place: "{path}"'
        )
    length = len(os.fsencode(path))
    if length > LONGEST_PATH:
        raise CommandFailed(
            f"the output path has {length} bytes, and Blender cuts it off after {LONGEST_PATH}"
        )


COMMANDS = {"blender-render": blender_render}
