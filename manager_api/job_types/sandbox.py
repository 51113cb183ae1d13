"""Runs scripts in child processes that cannot hold the manager up, nor see what it knows."""

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
#: What a process needs to find its system and its time zone. None of it is a secret.
_PASSED_ON = ("PATH", "TZ", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
_ERROR_BYTES = 2000
#: Of each operation: jobs that take long to compile must not keep others from seeing job types.
AT_ONCE = 4


class ScriptFailed(Exception):
    """The script gave no answer. The message is a sentence."""


class TooManyScripts(TryAgain):
    """As many scripts as may are running, for as long as one may run."""

    def __init__(self) -> None:
        super().__init__("Too many job types are at work; try again.")


class Sandbox:
    """Thread-safe; each call blocks its thread."""

    def __init__(self, limits: Callable[[], ScriptLimits], at_once: int = AT_ONCE) -> None:
        """
        Args:
            limits: Asked for each run, so that changed settings take effect.
            at_once: How many scripts do the same at the same time.
        """
        self._limits = limits
        self._turns = {each: threading.BoundedSemaphore(at_once) for each in Operation}
        self._running: set[subprocess.Popen[bytes]] = set()

    @property
    def limits(self) -> ScriptLimits:
        return self._limits()

    def run(self, request: Request) -> Answer:
        """
        Raises:
            ScriptFailed: it took too long, or its process died.
            TooManyScripts: the others did not end in time.
        """
        turns = self._turns[request.operation]
        if not turns.acquire(timeout=request.limits.wall_s):
            raise TooManyScripts
        try:
            return self._run(request)
        finally:
            turns.release()

    def close(self) -> None:
        """Ends what runs; whoever waits for it is refused."""
        for process in list(self._running):
            _kill(process)

    def _run(self, request: Request) -> Answer:
        # Files instead of pipes: nothing has to be read while the child writes, and no process
        # that a script may have left behind can keep us waiting for a pipe's end.
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
                raise ScriptFailed(f"{request.file}: what it makes is not understood.") from problem

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
    """With all that it started."""
    if hasattr(os, "killpg"):
        # Suppressed: all of them have ended.
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
