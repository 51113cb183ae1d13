"""Runs scripts in child processes, which cannot delay the manager or inherit its environment."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO
from uuid import uuid4

import psutil

from manager_api.contract.errors import TryAgain
from manager_api.job_types.exchange import Answer, Operation, Request, ScriptLimits

_CHILD = Path(__file__).with_name("child.py")
#: Environment variables that a child needs for its system and time zone. None of them is a secret.
_PASSED_ON = ("PATH", "TZ", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
#: Names a variable that tells a script's processes from others. They pass it on.
_MARK = "SCRIPT_OF_JOB_TYPE"
#: A script may start processes while its others are looked for.
_SEARCHES = 10
_ERROR_BYTES = 2000
#: Scripts at the same time, for each operation. The operations are counted apart, because slow
#: compilations must not delay the list of job types.
AT_ONCE = 4


class ScriptFailed(Exception):
    """The script gave no answer. The message is a sentence."""


class TooManyScripts(TryAgain):
    """No script's turn came free within the time that one script may run."""

    def __init__(self) -> None:
        super().__init__("Too many scripts of job types are running; try again.")


class _Child:
    """A process that has imported a language's engine and runs one script.

    Its output goes to files instead of pipes: nothing must be read while it writes, and a process
    that a script left behind cannot keep a pipe open.
    """

    def __init__(self, suffix: str) -> None:
        self.answer = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 - `close` closes it
        self._mark = uuid4().hex
        self._may_start_programs = suffix == ".py"
        passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        self.process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD), suffix],
            stdin=subprocess.PIPE,
            stdout=self.answer,
            stderr=self.errors,
            env=passed_on | {_MARK: self._mark},
            start_new_session=True,
        )
        assert self.process.stdin is not None
        self._requests = self.process.stdin

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def exit_code(self, request: Request) -> int:
        """Give the process its request, and return its exit code.

        Raises:
            ScriptFailed: the script took too long.
        """
        ends = time.monotonic() + request.limits.wall_s
        # A process that dies before it has read the request says why by its exit code.
        with contextlib.suppress(BrokenPipeError), self._requests:
            self._requests.write(request.as_text().encode())
        try:
            return self.process.wait(max(0.0, ends - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise ScriptFailed(
                f"{request.file}: it did not end within {request.limits.wall_s:g} s."
            ) from None

    def close(self) -> None:
        self.kill()
        self.answer.close()
        self.errors.close()

    def kill(self) -> None:
        """Kill the process, and the programs that it started.

        On POSIX these are in its group. One that has left the group is known by its environment,
        unless the script has cleared that.
        """
        if hasattr(os, "killpg"):
            # These errors mean that all processes of the group have ended.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
        else:
            self.process.kill()
        self.process.wait()
        if self._may_start_programs:
            _kill_marked(self._mark)


class Sandbox:
    """Runs scripts within limits. It is thread-safe, and each call blocks its thread."""

    def __init__(
        self,
        limits: Callable[[], ScriptLimits],
        at_once: int = AT_ONCE,
        *,
        keeps_spares: bool = False,
    ) -> None:
        """
        Args:
            limits: Called for each run, so changed settings take effect.
            at_once: How many scripts may run the same operation at the same time.
            keeps_spares: After a script of a language, start a process for the next one, which
                then need not wait for the start.
        """
        self._keeps_spares = keeps_spares
        self._spares: dict[str, _Child] = {}
        self._lock = threading.Lock()
        self._is_closed = False
        self._limits = limits
        self._turns = {each: threading.BoundedSemaphore(at_once) for each in Operation}
        self._running: set[_Child] = set()

    @property
    def limits(self) -> ScriptLimits:
        return self._limits()

    def run(self, request: Request) -> Answer:
        """Run a script and return its answer.

        Raises:
            ScriptFailed: the script took too long, its process died, or its answer is not valid.
            TooManyScripts: other scripts did not end in time.
        """
        turns = self._turns[request.operation]
        if not turns.acquire(timeout=request.limits.wall_s):
            raise TooManyScripts
        try:
            return self._run(request)
        finally:
            turns.release()

    def close(self) -> None:
        """Kill all processes; the callers that wait for a script get `ScriptFailed`."""
        with self._lock:
            self._is_closed = True
            running, spares = list(self._running), list(self._spares.values())
            self._spares.clear()
        for child in running:
            child.kill()
        for spare in spares:
            spare.close()

    def _run(self, request: Request) -> Answer:
        suffix = Path(request.file).suffix
        child = self._child(suffix)
        try:
            code = child.exit_code(request)
            if code != 0:
                raise ScriptFailed(_why(request, code, _read(child.errors, _ERROR_BYTES)))
            return Answer.from_text(_read(child.answer))
        except (ValueError, TypeError) as problem:
            raise ScriptFailed(f"{request.file}: its result is not understood.") from problem
        finally:
            self._running.discard(child)
            child.close()
            self._keep_spare(suffix)

    def _child(self, suffix: str) -> _Child:
        with self._lock:
            child = self._spares.pop(suffix, None) or _Child(suffix)
            if not child.is_alive:  # something else has killed the spare
                child.close()
                child = _Child(suffix)
            self._running.add(child)
        return child

    def _keep_spare(self, suffix: str) -> None:
        with self._lock:
            if self._keeps_spares and not self._is_closed and suffix not in self._spares:
                self._spares[suffix] = _Child(suffix)


def _kill_marked(mark: str) -> None:
    for _ in range(_SEARCHES):
        found = False
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error, OSError):
                if process.environ().get(_MARK) == mark:
                    process.kill()
                    found = True
        if not found:
            return


def _read(file: IO[bytes], last: int = 0) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - last) if last else 0)
    return file.read().decode(errors="replace")


def _why(request: Request, code: int, errors: str) -> str:
    if code == -getattr(signal, "SIGXCPU", 0):
        return f"{request.file}: it computed for longer than {request.limits.cpu_s:g} s."
    if code < 0:
        return f"{request.file}: its process was ended by {signal.Signals(-code).name}."
    last = errors.strip().rpartition("\n")[2]
    return f"{request.file}: its process ended with {code}: {last}"
