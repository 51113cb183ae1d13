"""An hour of each machine's statistics, in memory: what a graph of it needs, and no more.

It may be lost at any time, with the manager. Percentages are whole numbers, so that an hour of a
thousand machines takes some tens of megabytes.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

#: In seconds. A graph of an hour has no more room than this.
SAMPLE_EVERY_S = 10.0
KEPT_S = 3600.0
_KEPT = int(KEPT_S / SAMPLE_EVERY_S)
#: Hosts are not trusted to say how many they have.
_MOST_GPUS = 16


@dataclass(frozen=True, slots=True)
class Sample:
    """Percentages are 0-100; None is what the host did not tell."""

    at: float
    """Seconds since 1970."""
    cpu_percent: int | None
    memory_percent: int | None
    disk_percent: int | None
    gpu_percents: tuple[int | None, ...] = ()
    gpu_memory_percents: tuple[int | None, ...] = ()


class HostHistory:
    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._samples: dict[str, deque[Sample]] = {}
        self._swept = clock()

    def heard(self, worker_id: str, statistics: Mapping[str, Any]) -> None:
        """Kept if it is time for a sample."""
        now = self._clock()
        self._sweep(now)
        samples = self._samples.setdefault(worker_id, deque(maxlen=_KEPT))
        # A clock that was set back must not end the samples for an hour.
        if not samples or not 0 <= now - samples[-1].at < SAMPLE_EVERY_S:
            samples.append(_sample(now, statistics))

    def since(self, worker_id: str, seconds: float) -> Sequence[Sample]:
        """Oldest first; of the last `seconds`, of which an hour is kept."""
        begin = self._clock() - min(seconds, KEPT_S)
        return [sample for sample in self._samples.get(worker_id, ()) if sample.at >= begin]

    def _sweep(self, now: float) -> None:
        """Forget machines that have not been heard of for as long as anything is kept."""
        if 0 <= now - self._swept < KEPT_S / 10:
            return
        self._swept = now
        gone = [each for each, kept in self._samples.items() if kept[-1].at < now - KEPT_S]
        for worker_id in gone:
            del self._samples[worker_id]


def _sample(now: float, told: Mapping[str, Any]) -> Sample:
    gpus = _gpus(told.get("gpus"))
    disk_total, disk_free = _number(told.get("disk_total")), _number(told.get("disk_free"))
    disk_used = None if disk_total is None or disk_free is None else disk_total - disk_free
    return Sample(
        at=now,
        cpu_percent=_percent(told.get("cpu_percent"), 100),
        memory_percent=_percent(told.get("memory_used"), told.get("memory_total")),
        disk_percent=_percent(disk_used, disk_total),
        gpu_percents=tuple(_percent(gpu.get("percent"), 100) for gpu in gpus),
        gpu_memory_percents=tuple(
            _percent(gpu.get("memory_used"), gpu.get("memory_total")) for gpu in gpus
        ),
    )


def _gpus(told: Any) -> list[Mapping[str, Any]]:
    if not isinstance(told, list):
        return []
    return [gpu for gpu in told[:_MOST_GPUS] if isinstance(gpu, dict)]


def _number(told: Any) -> float | None:
    return told if isinstance(told, int | float) and not isinstance(told, bool) else None


def _percent(part: Any, whole: Any) -> int | None:
    numerator, denominator = _number(part), _number(whole)
    if numerator is None or not denominator:
        return None
    # In this order, what is no number comes to 0.
    return round(max(0.0, min(100.0, 100 * numerator / denominator)))
