"""Measures for how long runs have shown no sign of life: no output, and no CPU time.

The run's whole process tree counts. Time in which the host itself stood still (stopped, machine
asleep) does not count.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

import psutil

from worker_host.statistics import cpu_time_of_tree
from workflows.domain.messages import RunKey
from workflows.domain.run_times import RunTimes

logger = logging.getLogger(__name__)

#: Less CPU time than this share of one core is none: threads that wait look up now and then.
_IDLE_SHARE = 0.01
#: A pause between two measurements counts as this many at most.
_MOST_PAUSES = 2


class Watched(Protocol):
    """A live run, as far as its silence is concerned."""

    @property
    def key(self) -> RunKey: ...
    @property
    def pid(self) -> int: ...
    @property
    def times(self) -> RunTimes: ...
    @property
    def log_size(self) -> int: ...


#: Gets the key of a run; when the run gave its last sign of life, None if it is not silent; and for
#: how long it has been without a sign of life, in seconds.
Tell = Callable[[RunKey, datetime | None, float], None]


@dataclass(slots=True)
class _Signs:
    cpu_s: float
    log_size: int
    last: datetime
    silent_s: float = 0.0


class SilenceWatch:
    """Watches the runs of one host.

    Args:
        tell: called for each run after each measurement; must not block.
        clock: in seconds of any origin.
        cpu_time: returns the CPU time of a process and its descendants, in seconds.
    """

    def __init__(
        self,
        tell: Tell,
        clock: Callable[[], float] = time.monotonic,
        cpu_time: Callable[[int], float] = cpu_time_of_tree,
    ) -> None:
        self._tell = tell
        self._clock = clock
        self._cpu_time = cpu_time
        self._signs: dict[RunKey, _Signs] = {}
        self._measured_at = clock()

    async def look(self, runs: Sequence[Watched], every_s: float) -> None:
        """Measure all live runs.

        Args:
            every_s: the usual pause between two calls.
        """
        watched = [run for run in runs if run.times.silent_after_s > 0]
        try:
            spent = await asyncio.to_thread(self._cpu_times, {run.key: run.pid for run in watched})
        except (OSError, psutil.Error) as problem:
            logger.warning("the CPU time of runs is not known: %s", problem)
            return
        now = self._clock()
        passed_s, self._measured_at = now - self._measured_at, now
        self._signs = {run.key: self._signs[run.key] for run in watched if run.key in self._signs}
        for run in watched:
            signs = self._measured(run, spent[run.key], passed_s, every_s)
            is_silent = signs.silent_s >= run.times.silent_after_s
            self._tell(run.key, signs.last if is_silent else None, signs.silent_s)

    def _measured(self, run: Watched, cpu_s: float, passed_s: float, every_s: float) -> _Signs:
        log_size, signs = run.log_size, self._signs.get(run.key)
        # The sum shrinks when a process of the tree has ended, which is a sign of life, too.
        if (
            signs is None
            or log_size != signs.log_size
            or not 0 <= cpu_s - signs.cpu_s <= _IDLE_SHARE * passed_s
        ):
            signs = self._signs[run.key] = _Signs(cpu_s, log_size, datetime.now(UTC))
        else:
            signs.cpu_s = cpu_s
            signs.silent_s += min(passed_s, _MOST_PAUSES * every_s)
        return signs

    def _cpu_times(self, pids: Mapping[RunKey, int]) -> dict[RunKey, float]:
        return {key: self._cpu_time(pid) for key, pid in pids.items()}
