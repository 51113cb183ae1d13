"""The functions for commands: log, run a program, wait. Standard library only."""

import re
import shlex
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from worker_host import processes
from worker_host.commands.frames_found import FramesFound
from worker_host.commands.parameters import ProgramFailed, ProgramMissing
from worker_host.processes.environment import find_program
from worker_host.processes.output import LineWriter, LogFile
from worker_host.processes.watch import Stopped, Watch
from workflows.domain.render_warnings import WarningBook

_CHUNK = 64 * 1024
#: How long to read output that is still in the pipe after its writers have died, in seconds.
_DRAIN_S = 1.0
#: A variable without a value in the farm, which arrives as it was written.
_UNKNOWN = re.compile(r"\{[^{}]+\}")


def _never(_run_s: float) -> str:
    return ""


class Context:
    """A run's log, environment and tools, for its commands."""

    def __init__(
        self,
        log: LogFile,
        watch: Watch,
        *,
        environment: Mapping[str, str],
        tools: Mapping[str, str],
        stop_grace_s: float,
        end_grace_s: float,
        directory: str,
        on_started: Callable[[int], None],
        on_lines: Callable[[Sequence[bytes]], None],
        is_machines_fault: Callable[[str], bool],
        warnings: WarningBook,
        frames_found: FramesFound,
    ) -> None:
        """
        Args:
            on_lines: called with the lines that a program prints, several at a time.
            is_machines_fault: returns whether a failure of the running command, by its sentence, is
                a fault of this machine.
            warnings: takes the warnings of commands.
        """
        self.warnings = warnings
        self.frames_found = frames_found
        self._log = log
        self._watch = watch
        self._environment = environment
        self._tools = tools
        self._stop_grace_s = stop_grace_s
        self.end_grace_s = end_grace_s
        """How long Blender may take to end after its last frame, in seconds; 0 for any time."""
        self._directory = directory
        self._on_started = on_started
        self._on_lines = on_lines
        self.is_machines_fault = is_machines_fault

    def log(self, line: str) -> None:
        self._log.line(line)

    def warn(self, sentence: str, *, is_of_preview: bool = False) -> None:
        """Say what is wrong although the command goes on: in the log, and with the outcome."""
        self.log(f"Warning: {sentence}")
        self.warnings.add(sentence, is_of_preview=is_of_preview)

    @contextmanager
    def scratch(self) -> Iterator[str]:
        """Make an empty folder on this machine; it is gone afterwards."""
        folder = tempfile.mkdtemp(prefix="scratch-", dir=self._directory)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def checkpoint(self) -> None:
        """Check whether the run may go on; long commands call it now and then.

        Raises:
            Stopped: the run has to stop.
        """
        self._watch.checkpoint()

    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            Stopped: the run has to stop; raised at once.
        """
        until = time.monotonic() + seconds
        self.checkpoint()
        while (left := until - time.monotonic()) > 0:
            self._watch.wait(left)
            self.checkpoint()

    def program(self, name: str) -> str:
        """Return the path of a program: the one set for this host, or else one on PATH.

        Raises:
            ProgramMissing: there is no such program.
        """
        if _UNKNOWN.fullmatch(name):
            reason = f'nothing is set for "{name}" on this worker'
            self.log(reason)
            raise ProgramMissing(reason)
        tool = name.removesuffix(".exe")
        found = find_program(self._tools.get(tool, name), self._environment)
        if found is None:
            self.log(f'program not found: "{name}"')
            raise ProgramMissing(f'program not found: "{name}"')
        return found

    def run(
        self,
        argv: Sequence[str],
        on_line: Callable[[bytes], None] | None = None,
        overdue: Callable[[float], str] = _never,
    ) -> None:
        """Run a program to its end, and write its output to the log.

        Args:
            argv: the program and its arguments.
            on_line: called with each line of the output, too.
            overdue: called again and again with the seconds for which the run has been going on.
                It returns why the program is done although it does not end; empty if it is not
                done. The program is then stopped, and its exit code does not count.

        Raises:
            ProgramMissing: the program cannot be started.
            ProgramFailed: its exit code is not 0.
            Stopped: the run had to stop; the program and all its descendants are gone.
        """
        self.checkpoint()
        self.log("going to run:\n\n" + shlex.join(argv))
        try:
            program = processes.spawn([self.program(argv[0]), *argv[1:]], self._environment)
        except OSError as error:
            self.log(f"cannot start {argv[0]}: {error.strerror}")
            raise ProgramMissing(f'cannot start "{argv[0]}": {error.strerror}') from error
        self._on_started(program.pid)
        code = self._run_to_end(program, on_line, overdue)
        if code != 0:
            raise ProgramFailed(code)

    def _run_to_end(
        self,
        program: processes.Spawned,
        on_line: Callable[[bytes], None] | None,
        overdue: Callable[[float], str],
    ) -> int:
        def heard(lines: Sequence[bytes]) -> None:
            self._on_lines(lines)
            if on_line is not None:
                for line in lines:
                    on_line(line)

        lines = LineWriter(self._log, b"pid=%d > " % program.pid, heard)
        try:
            code = self._follow(program, lines, overdue)
        except Stopped:
            self._stop(program, lines)
            raise
        finally:
            # Children left behind would keep the GPU busy and the pipe open.
            processes.kill_group(program.pid)
            processes.kill_children()
            self._drain(program, lines)
            program.close()
        return code

    def _follow(
        self, program: processes.Spawned, lines: LineWriter, overdue: Callable[[float], str]
    ) -> int:
        is_open = True
        while (code := processes.reap(program.pid)) is None:
            self._watch.checkpoint()
            if why := overdue(self._watch.run_s):
                self.log(f"{why}: stopping it, and going on")
                self._stop(program, lines)
                return 0
            self._watch.wait(60.0, program if is_open else None)
            if is_open:
                is_open = _read(program, lines)
        return code

    def _stop(self, program: processes.Spawned, lines: LineWriter) -> None:
        """Ask the program to end, and give it time to end well. The caller kills it later."""
        if not processes.ask_to_end(program.pid):
            return
        until = time.monotonic() + self._stop_grace_s
        is_open = True
        while processes.reap(program.pid) is None and (left := until - time.monotonic()) > 0:
            if is_open:
                is_open = _read(program, lines)
            self._watch.wait(left, program if is_open else None)

    def _drain(self, program: processes.Spawned, lines: LineWriter) -> None:
        until = time.monotonic() + _DRAIN_S
        while _read(program, lines) and time.monotonic() < until:
            self._watch.wait(0.02, program)
        lines.finish()


def _read(program: processes.Spawned, lines: LineWriter) -> bool:
    """Log one chunk of the available output; return False at the end of the output."""
    chunk = program.read(_CHUNK)
    if chunk is None:
        return True
    lines.feed(chunk)
    return bool(chunk)
