"""When each HTTP worker was last heard from."""

from collections.abc import Callable
from datetime import datetime

from manager_api.database.engine import utc_now
from manager_api.settings.model import ManagerSettings
from workflows.domain.http_workers import Patience, is_silent


def patience(settings: ManagerSettings) -> Patience:
    return Patience(settings.worker_timeout, settings.task_timeout)


class HttpPresence:
    """Remembers when this manager heard from workers. The database knows it of all managers.

    Args:
        patience: called each time, because its settings may change.
    """

    def __init__(
        self, patience: Callable[[], Patience], clock: Callable[[], datetime] = utc_now
    ) -> None:
        self._patience = patience
        self._clock = clock
        self.listening_since = clock()
        self._heard: dict[str, datetime] = {}
        self._to_store: set[str] = set()

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
        return not patience.has_end or not is_silent(
            max(known, default=None),
            self._clock(),
            patience.worker,
            listening_since=self.listening_since,
        )

    def take_unstored(self) -> set[str]:
        """Return the workers whose `last_seen` must be stored; the next call omits them."""
        taken, self._to_store = self._to_store, set()
        return taken
