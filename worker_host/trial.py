"""Tries a new version of the host: begins it, and waits until the farm has welcomed it."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from http import HTTPStatus
from types import FrameType
from typing import IO

from activities.connections.trust import unverified_context

#: The exit code of a host on trial that was welcomed. Python and shells use none like it.
WELCOMED = 86
#: A host is welcomed within seconds of its start, on a machine that renders within a minute.
WELCOMED_WITHIN_S = 180.0
_LOOK_EVERY_S = 5.0
_ANSWER_S = 5.0
_LONGEST_WORDS = 300


class Trial:
    """
    Args:
        command: the new version's command line.
        manager: the address of its manager. Time in which it does not answer is no time of the
            trial: then no version would be welcomed.
    """

    def __init__(
        self,
        command: Sequence[str],
        manager: str,
        *,
        within_s: float = WELCOMED_WITHIN_S,
        look_every_s: float = _LOOK_EVERY_S,
        answers: "Callable[[str], bool] | None" = None,
    ) -> None:
        self._command = command
        self._manager = manager
        self._within_s = within_s
        self._look_every_s = look_every_s
        self._answers = answers or manager_answers
        self._child: subprocess.Popen[bytes] | None = None
        self._told: int | None = None
        """The signal that this process was sent last."""

    def run(self) -> str:
        """Return why the version failed, in a sentence; empty: the farm has welcomed it.

        Raises:
            SystemExit: this process was told to end meanwhile, and the version has ended.
        """
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = [signal.signal(number, self._received) for number in numbers]
        try:
            return self._run()
        except OSError as problem:
            return f"It cannot be started: {problem}."
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def _run(self) -> str:
        # In a process group of its own, Ctrl-C reaches it through this process only: it takes a
        # second signal for the order to leave its runs alone.
        with subprocess.Popen(self._command, stderr=subprocess.PIPE, process_group=0) as child:
            self._child = child
            if self._told is not None:
                child.send_signal(self._told)
            assert child.stderr is not None
            words = _LastWords(child.stderr)
            code = self._wait(child)
            words.join(1.0)
        if self._told is not None:
            sys.exit(code)
        if code is None:
            return f"The farm did not welcome it within {self._within_s:.0f} s."
        return "" if code == WELCOMED else f"{_how_it_ended(code)}{words.text}"

    def _wait(self, child: "subprocess.Popen[bytes]") -> int | None:
        """Return the exit code; None if it was killed because the time was over."""
        looked, waited_s = time.monotonic(), 0.0
        while waited_s <= self._within_s:
            with contextlib.suppress(subprocess.TimeoutExpired):
                return child.wait(self._look_every_s)
            before, looked = looked, time.monotonic()
            waited_s += looked - before if self._answers(self._manager) else 0.0
        child.kill()  # its runs live on, and the version before adopts them
        child.wait()
        return None

    def _received(self, number: int, _frame: FrameType | None) -> None:
        self._told = number
        if self._child is not None:
            self._child.send_signal(number)


class _LastWords(threading.Thread):
    """Passes on what a process writes to its standard error, and remembers the last line."""

    def __init__(self, pipe: IO[bytes]) -> None:
        super().__init__(daemon=True)
        self._pipe = pipe
        self._line = b""
        self.start()

    @property
    def text(self) -> str:
        line = self._line.decode(errors="replace")
        shown = "".join(each if each.isprintable() else " " for each in line).strip()
        return f" Its last words: {shown[:_LONGEST_WORDS]}" if shown else ""

    def run(self) -> None:
        for line in self._pipe:
            self._line = line if line.strip() else self._line
            with contextlib.suppress(OSError):
                os.write(sys.stderr.fileno(), line)


def manager_answers(manager: str) -> bool:
    """Return whether something answers as a manager does. It is shown nothing that is secret."""
    url = f"{manager}/api/v3/version"
    try:
        with urllib.request.urlopen(url, timeout=_ANSWER_S, context=unverified_context()):
            return True
    except urllib.error.HTTPError as refusal:
        return refusal.code < HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, ValueError):
        return False


def _how_it_ended(code: int) -> str:
    if code < 0:
        return f"It was killed by signal {-code} before the farm had welcomed it."
    return f"It ended with code {code} before the farm had welcomed it."
