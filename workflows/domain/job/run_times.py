"""How long the latest runs of a job took."""

from collections import deque
from statistics import median

#: How many runs count: few, so that a job whose frames become heavier is noticed soon.
_COUNTED = 15


class RecentRunTimes:
    """The times of a job's latest runs, in seconds."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=_COUNTED)
        self.median: float | None = None
        """None before the first run has ended."""

    @property
    def recent(self) -> list[float]:
        return list(self._times)

    def add(self, seconds: float) -> None:
        self._times.append(seconds)
        self.median = median(self._times)
