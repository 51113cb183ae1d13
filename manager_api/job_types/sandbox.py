"""Runs scripts in child processes, which cannot delay the manager or read its environment."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import IO

from manager_api.contract.errors import TryAgain
from manager_api.job_types.exchange import Answer, Operation, Request, ScriptLimits

_CHILD = Path(__file__).with_name("child.py")
#: Environment variables that a child needs for its system and time zone. None of them is a secret.
_PASSED_ON = ("PATH", "TZ", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
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


class Sandbox:
    """Runs scripts within limits. It is thread-safe, and each call blocks its thread."""

    def __init__(self, limits: Callable[[], ScriptLimits], at_once: int = AT_ONCE) -> None:
        """
        Args:
            limits: Called for each run, so changed settings take effect.
            at_once: How many scripts may run the same operation at the same time.
        """
        self._limits = limits
        self._turns = {each: threading.BoundedSemaphore(at_once) for each in Operation}
        self._running: set[subprocess.Popen[bytes]] = set()

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
        """Kill all running scripts; the callers that wait for them get `ScriptFailed`."""
        for process in list(self._running):
            _kill(process)

    def _run(self, request: Request) -> Answer:
        # Files instead of pipes: nothing must be read while the child writes, and a process that
        # a script left behind cannot keep a pipe open.
        with (
            tempfile.TemporaryFile() as given,
            tempfile.TemporaryFile() as answer,
            tempfile.TemporaryFile() as errors,
        ):
            given.write(request.as_text().encode())
            given.seek(0)
            code = self._exit_code(request, given, answer, errors)
            if code != 0:
                raise ScriptFailed(_why(request, code, _read(errors, _ERROR_BYTES)))
            try:
                return Answer.from_text(_read(answer))
            except (ValueError, TypeError) as problem:
                raise ScriptFailed(f"{request.file}: its result is not understood.") from problem

    def _exit_code(
        self, request: Request, given: IO[bytes], answer: IO[bytes], errors: IO[bytes]
    ) -> int:
        process = subprocess.Popen(
            [sys.executable, "-I", str(_CHILD)],
            stdin=given,
            stdout=answer,
            stderr=errors,
            cwd=request.folder,
            env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
            start_new_session=True,
        )
        self._running.add(process)
        try:
            return process.wait(request.limits.wall_s)
        except subprocess.TimeoutExpired:
            raise ScriptFailed(
                f"{request.file}: it did not end within {request.limits.wall_s:g} s."
            ) from None
        finally:
            _kill(process)
            self._running.discard(process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the process; on POSIX with all processes of its group."""
    if hasattr(os, "killpg"):
        # These errors mean that all processes of the group have ended.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()


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
