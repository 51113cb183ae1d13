"""Tells whether a run has to stop: by order (SIGTERM), or because its host has not come back.

Standard library only.
"""

import contextlib
import fcntl
import os
import select
import signal
import time
from types import FrameType

from workflows.domain.run_sentences import ran_too_long


class Stopped(Exception):
    """The run has to stop; `kind` is the kind of its outcome."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


#: A pause between two checkpoints counts as this many checks at most: the machine or the shim stood
#: still, or a command could not check.
_MOST_CHECKS = 5


class RunClock:
    """Counts for how long a run has been going on, without the time in which it stood still."""

    def __init__(self, now: float, longest_pause_s: float) -> None:
        self.run_s = 0.0
        self._longest_pause_s = longest_pause_s
        self._now = now

    def tick(self, now: float) -> None:
        self.run_s += min(now - self._now, self._longest_pause_s)
        self._now = now


class Watch:
    """Waits for events that concern a run."""

    def __init__(
        self, host_lock: str, orphan_after_s: float, check_s: float, longest_s: float
    ) -> None:
        self._host_lock = host_lock
        self._orphan_after_s = orphan_after_s
        self._check_s = check_s
        self._longest_s = longest_s
        self._host_seen = self._next_check = time.monotonic()
        self._clock = RunClock(self._next_check, _MOST_CHECKS * check_s)
        self._stopped: Stopped | None = None
        self._wakeup, wake = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(wake, False)
        # The wake-up pipe gets a byte for each signal that has a Python handler.
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, _heard)
        signal.signal(signal.SIGTERM, self._ordered)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    @property
    def run_s(self) -> float:
        """For how long the run has been going on, in seconds."""
        return self._clock.run_s

    def checkpoint(self) -> None:
        """Check whether the run may go on.

        Raises:
            Stopped: the run has to stop.
        """
        now = time.monotonic()
        self._clock.tick(now)
        if 0 < self._longest_s < self.run_s:
            self._stopped = self._stopped or Stopped(
                "failed", ran_too_long(self._longest_s, self.run_s)
            )
        if now >= self._next_check:
            self._look_for_host(now)
        if self._stopped is not None:
            raise self._stopped

    def wait(self, timeout_s: float, readable: int | None = None) -> None:
        """Wait until `readable` can be read, a signal arrives or the time is over.

        It may return early. It does not raise `Stopped`: call `checkpoint` afterwards.
        """
        poll = select.poll()
        poll.register(self._wakeup, select.POLLIN)
        if readable is not None:
            poll.register(readable, select.POLLIN)
        until_check = max(0.0, self._next_check - time.monotonic())
        poll.poll(min(timeout_s, until_check) * 1000 + 1)
        with contextlib.suppress(BlockingIOError):
            os.read(self._wakeup, 4096)

    def _ordered(self, _number: int, _frame: FrameType | None) -> None:
        self._stopped = self._stopped or Stopped("canceled", "the run was stopped")

    def _look_for_host(self, now: float) -> None:
        self._next_check = now + self._check_s
        if self._host_is_there():
            self._host_seen = now
        elif now - self._host_seen > self._orphan_after_s:
            self._stopped = self._stopped or Stopped(
                "lost", "the worker host did not come back in time"
            )

    def _host_is_there(self) -> bool:
        """Return whether the host lives: it holds the lock as long as it does."""
        try:
            lock = os.open(self._host_lock, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(lock)
        return False


def _heard(_number: int, _frame: FrameType | None) -> None:
    """Do nothing; with a handler, the signal writes a byte to the wake-up pipe."""
