"""Tells whether a run has to stop: by order, or because its host has not come back.

Standard library only.
"""

import time

from worker_host import processes
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
        self._alarms = processes.Alarms(self._ordered)

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

    def wait(self, timeout_s: float, program: processes.Spawned | None = None) -> None:
        """Wait until the program has output, an alarm comes or the time is over.

        It may return early. It does not raise `Stopped`: call `checkpoint` afterwards.
        """
        until_check = max(0.0, self._next_check - time.monotonic())
        self._alarms.wait(min(timeout_s, until_check), program)

    def _ordered(self) -> None:
        self._stopped = self._stopped or Stopped("canceled", "the run was stopped")

    def _look_for_host(self, now: float) -> None:
        self._next_check = now + self._check_s
        # The host holds the lock as long as it lives.
        if processes.is_locked(self._host_lock):
            self._host_seen = now
        elif now - self._host_seen > self._orphan_after_s:
            self._stopped = self._stopped or Stopped(
                "lost", "the worker host did not come back in time"
            )
