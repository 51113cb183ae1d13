"""Keeps an hour of each machine's statistics in memory, for graphs.

The history is lost when the manager ends. Percentages are whole numbers, so that an hour of a
thousand machines takes some tens of megabytes.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from manager_api.contract.machine import MachineStatistics

#: Time between two samples, in seconds. A graph of an hour has no room for more samples.
SAMPLE_EVERY_S = 10.0
KEPT_S = 3600.0
_KEPT = int(KEPT_S / SAMPLE_EVERY_S)


@dataclass(frozen=True, slots=True)
class Sample:
    """A machine's statistics at one time; percentages are 0-100, None if the host sent no value."""

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

    def heard(self, worker_id: str, statistics: MachineStatistics) -> None:
        """Store a sample if the last one is at least `SAMPLE_EVERY_S` old."""
        now = self._clock()
        self._sweep(now)
        samples = self._samples.setdefault(worker_id, deque(maxlen=_KEPT))
        # If the clock was set back, the sampling must go on.
        if not samples or not 0 <= now - samples[-1].at < SAMPLE_EVERY_S:
            samples.append(_sample(now, statistics))

    def since(self, worker_id: str, seconds: float) -> Sequence[Sample]:
        """Return the samples of the last `seconds`, at most an hour, oldest first."""
        begin = self._clock() - min(seconds, KEPT_S)
        return [sample for sample in self._samples.get(worker_id, ()) if sample.at >= begin]

    def _sweep(self, now: float) -> None:
        """Forget machines whose newest sample is older than `KEPT_S`."""
        if 0 <= now - self._swept < KEPT_S / 10:
            return
        self._swept = now
        gone = [each for each, kept in self._samples.items() if kept[-1].at < now - KEPT_S]
        for worker_id in gone:
            del self._samples[worker_id]


def _sample(now: float, said: MachineStatistics) -> Sample:
    total, free = said.disk_total, said.disk_free
    disk_used = None if total is None or free is None else total - free
    return Sample(
        at=now,
        cpu_percent=_percent(said.cpu_percent, 100),
        memory_percent=_percent(said.memory_used, said.memory_total),
        disk_percent=_percent(disk_used, total),
        gpu_percents=tuple(_percent(gpu.percent, 100) for gpu in said.gpus),
        gpu_memory_percents=tuple(_percent(gpu.memory_used, gpu.memory_total) for gpu in said.gpus),
    )


def _percent(part: float | None, whole: float | None) -> int | None:
    if part is None or not whole:
        return None
    return round(max(0.0, min(100.0, 100 * part / whole)))
