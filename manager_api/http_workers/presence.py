"""Who of the workers that speak HTTP was heard of when."""

from collections.abc import Callable
from datetime import datetime

from manager_api.database.engine import utc_now
from manager_api.settings.model import ManagerSettings
from workflows.domain.http_workers import Patience, is_silent


def patience(settings: ManagerSettings) -> Patience:
    return Patience(settings.worker_timeout, settings.task_timeout)


class HttpPresence:
    """In memory what this manager hears; what other managers hear is in the database.

    Args:
        patience: asked each time, since it is a setting that may change.
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
        """`last_seen` is what the database says."""
        known = [when for when in (self._heard.get(worker_id), last_seen) if when is not None]
        patience = self._patience()
        return not patience.has_end or not is_silent(
            max(known, default=None),
            self._clock(),
            patience.worker,
            listening_since=self.listening_since,
        )

    def take_unstored(self) -> set[str]:
        """Whom to store as seen now."""
        taken, self._to_store = self._to_store, set()
        return taken
