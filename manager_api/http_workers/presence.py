"""When each HTTP worker was last heard from."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from manager_api.database.engine import utc_now
from manager_api.settings.model import ManagerSettings
from workflows.domain.clocks import was_put
from workflows.domain.http_workers import Patience, is_silent


def patience(settings: ManagerSettings) -> Patience:
    return Patience(settings.worker_timeout, settings.task_timeout)


class HttpPresence:
    """Remembers when this manager heard from workers. The database knows it of all managers.

    Silence is judged by the machine's clock, because managers share the database. Silence before
    the clock was put does not count, as silence before this manager's start.

    Args:
        patience: called each time, because its settings may change.
        passed: seconds by a clock that runs evenly.
    """

    def __init__(
        self,
        patience: Callable[[], Patience],
        clock: Callable[[], datetime] = utc_now,
        passed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._clock = clock
        self.passed = passed
        self.listening_since = clock()
        self.must_correct = True
        """The clock was put, perhaps before this start, so stored times may lie in the future."""
        self._looked = (self.listening_since, passed())
        self._heard: dict[str, datetime] = {}
        self._to_store: set[str] = set()

    def now(self) -> datetime:
        """Return the time, and notice whether the clock was put since the last call."""
        (shown, passed), (now, now_passed) = self._looked, (self._clock(), self.passed())
        self._looked = (now, now_passed)
        if was_put((now - shown).total_seconds(), now_passed - passed):
            self.listening_since, self.must_correct = now, True
            self._heard.clear()
        return now

    def is_silent(self, last_heard: datetime | None, patience: timedelta) -> bool:
        """Return whether a worker has been silent for too long, in general or about a task."""
        now = self.now()
        return is_silent(last_heard, now, patience, listening_since=self.listening_since)

    def silent_s(self, last_heard: datetime) -> float:
        """Return for how long a worker has been silent while a manager listened, in seconds."""
        now = self.now()
        return (now - max(last_heard, self.listening_since)).total_seconds()

    def heard(self, worker_id: str) -> None:
        self._heard[worker_id] = self._clock()
        self._to_store.add(worker_id)

    def is_present(self, worker_id: str, last_seen: datetime | None) -> bool:
        """Return whether a worker was heard from recently, or its absence cannot be judged yet.

        Args:
            last_seen: when some manager heard from it, according to the database.
        """
        known = [when for when in (self._heard.get(worker_id), last_seen) if when is not None]
        patience = self._patience()
        return not patience.has_end or not self.is_silent(max(known, default=None), patience.worker)

    def take_unstored(self) -> set[str]:
        """Return the workers whose `last_seen` must be stored; the next call omits them."""
        taken, self._to_store = self._to_store, set()
        return taken
