"""Judges whether hosts that are connected to another manager of the farm are present."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime

from workflows.domain.worker import is_lost


class HeardElsewhere:
    """Notices that another manager has heard from hosts, because their `last_seen` changes.

    The moment counts at which this manager notices the change, so the managers' clocks need not
    agree. Time in which this manager could not look does not count as silence.

    Args:
        silent_s: seconds after which a host is lost whose `last_seen` has not changed.
        look_every_s: the pause between two calls of `looked`.
        clock: in seconds, of any origin.
    """

    def __init__(
        self, silent_s: float, look_every_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._silent_s = silent_s
        self._longest_gap_s = 3 * look_every_s
        self._clock = clock
        self._looking_since = self._looked_at = clock()
        self._has_looked = False
        self._noticed: dict[str, tuple[datetime, float]] = {}

    def looked(self, last_seen: Mapping[str, datetime]) -> None:
        """Take note of the stored times that other managers have written, by worker id."""
        if not self._is_looking:
            self._looking_since = self._clock()
        self._looked_at, self._has_looked = self._clock(), True
        before = self._noticed
        self._noticed = {
            worker_id: before[worker_id]
            if worker_id in before and before[worker_id][0] == at
            else (at, self._looked_at)
            for worker_id, at in last_seen.items()
        }

    def knows(self, worker_id: str) -> bool:
        """Return whether another manager has written the host's `last_seen`."""
        return worker_id in self._noticed

    def is_present(self, worker_id: str) -> bool:
        """Return whether another manager heard from the host recently, or it cannot be judged."""
        if not self._is_looking:
            return True
        noticed = self._noticed.get(worker_id)
        return not is_lost(
            noticed[1] if noticed else None,
            self._clock(),
            listening_since=self._looking_since,
            lost_after_s=self._silent_s,
        )

    @property
    def _is_looking(self) -> bool:
        return self._has_looked and self._clock() - self._looked_at <= self._longest_gap_s
