"""Installs, removes, starts and stops a service, through one system's way of services."""

import shlex
import subprocess
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from activities.services.definition import (
    Answer,
    Command,
    Program,
    Runner,
    Service,
    ServiceError,
    ServiceSystem,
    Standing,
    data_dir_in,
    name_of,
)
from activities.services.files import READABLE, Kept, keep, write

#: Longer than a stop may take. A start that takes longer goes on by itself.
_WAIT_S = 120.0


def run_command(words: Sequence[str]) -> Answer:
    """Run a command of the system's service manager.

    Raises:
        ServiceError: the program is not there.
    """
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_WAIT_S,
            check=False,
        )
    except FileNotFoundError as problem:
        raise ServiceError(
            f"The program {words[0]} is not on this machine, which looks after services."
        ) from problem
    except subprocess.TimeoutExpired:
        # The order stands; `status` says what has become of it.
        return Answer(0, "", "")
    return Answer(done.returncode, done.stdout, done.stderr)


class ServiceControl:
    """
    Args:
        say: prints a line for the user.
    """

    def __init__(
        self, system: ServiceSystem, say: Callable[[str], None], run: Runner = run_command
    ) -> None:
        self._system = system
        self._say = say
        self._run = run

    def show_installation(self, service: Service, kept: Iterable[Kept]) -> None:
        """Print what `install` would write and call; change nothing, and ask no program."""
        for each in kept:
            what = "folder" if each.content is None else "file, for its owner only:"
            self._say(f"# {what} {each.path}")
        self._say(f"# file: {self._system.file(service.program)}")
        content = self._system.content(service)
        is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        self._say(content.decode("utf-16" if is_wide else "utf-8").rstrip("\n"))
        self._show(self._system.installing(service.program, is_changed=True))

    def install(self, service: Service, kept: Iterable[Kept]) -> None:
        """Write a service down, and start it. Installed again, it stays one service.

        Raises:
            ServiceError: another program's service has this name, or the system refuses it.
        """
        file = self._system.file(service.program)
        before, content = self._own_content(service.program), self._system.content(service)
        is_running = before is not None and self._standing(service.program).is_running
        try:
            for each in kept:
                keep(each)
            if content != before:
                write(file, content, READABLE)
        except OSError as problem:
            raise ServiceError(_why(problem)) from problem
        is_changed = content != before
        self._call(self._system.installing(service.program, is_changed=is_changed))
        self._say(f"{service.title}: {file} {_word(before, content)}.")
        if is_running and is_changed and not self._system.restarts_for_changes:
            self._say("What runs was started before the change; a stop and a start take it over.")
        if hint := self._system.hint(service):
            self._say(hint)

    def show_removal(self, program: Program, beside: Iterable[Path]) -> None:
        """Print what `uninstall` would call and remove."""
        self._show(self._system.removing(program))
        for path in (self._system.file(program), *beside):
            self._say(f"# removes {path}")
        self._show(self._system.removed(program))

    def uninstall(self, program: Program, beside: Iterable[Path]) -> None:
        """Stop and remove a service. Without one, say so.

        Args:
            beside: files that the installation has kept for the service.

        Raises:
            ServiceError: the service is another program's, or the system refuses.
        """
        content = self._own_content(program)
        if content is None:
            self._say(f"There is no service {name_of(program)} here.")
            return
        self._call(self._system.removing(program))
        try:
            for path in (self._system.file(program), *beside):
                path.unlink(missing_ok=True)
        except OSError as problem:
            raise ServiceError(_why(problem)) from problem
        self._call(self._system.removed(program))
        data = data_dir_in(self._system.note_in(content)) or "the user's data directory"
        self._say(f"{name_of(program)} is removed. Its data stays in {data}.")

    def start(self, program: Program) -> None:
        """
        Raises:
            ServiceError: there is no such service, or the system refuses.
        """
        self._existing(program)
        self._call(self._system.starting(program))

    def stop(self, program: Program) -> None:
        """
        Raises:
            ServiceError: there is no such service, or the system refuses.
        """
        self._existing(program)
        self._call(self._system.stopping(program))

    def status(self, program: Program) -> bool:
        """Print how a service is; return whether it runs.

        Raises:
            ServiceError: the service is another program's.
        """
        if self._own_content(program) is None:
            self._say(f"There is no service {name_of(program)} here.")
            return False
        standing = self._standing(program)
        self._say(standing.sentence)
        return standing.is_running

    def _standing(self, program: Program) -> Standing:
        return self._system.standing(program, self._run)

    def _existing(self, program: Program) -> None:
        if self._own_content(program) is None:
            raise ServiceError(
                f"There is no service {name_of(program)} here. Install it: service install"
            )

    def _own_content(self, program: Program) -> bytes | None:
        """Return what is written down; None: there is no such service.

        Raises:
            ServiceError: it is not ours.
        """
        file = self._system.file(program)
        try:
            content = file.read_bytes()
        except FileNotFoundError:
            content = None
        except OSError as problem:
            raise ServiceError(_why(problem)) from problem
        is_others = content is not None and not self._system.note_in(content)
        other = str(file) if is_others else self._system.other_place(program, self._run)
        if other:
            raise ServiceError(
                f"{other} is not of `tablao service`, so it is not touched. Remove or rename that "
                "service first."
            )
        return content

    def _show(self, commands: Iterable[Command]) -> None:
        for command in commands:
            self._say(f"# {shlex.join(command.words)}")

    def _call(self, commands: Iterable[Command]) -> None:
        for command in commands:
            answer = self._run(command.words)
            if answer.code != 0 and not command.may_fail:
                words = (answer.errors or answer.output).strip()
                raise ServiceError(f"{shlex.join(command.words)} failed: {words}")


def _word(before: bytes | None, content: bytes) -> str:
    if before is None:
        return "is written, and the service starts"
    return "stays as it was" if before == content else "is written again"


def _why(problem: OSError) -> str:
    return f"{problem.filename}: {problem.strerror or problem}. Are you its administrator?"
