"""The progress of connected hosts' runs: kept in memory, and stored in batches."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from manager_api.contract.machine import RunProgress
from workflows.domain.bounded_dict import BoundedDict
from workflows.domain.messages import RunKey

#: Most settled runs that are remembered, so that a late message does not make them live again.
_REMEMBERED_ENDS = 10_000


class ProgressRecords(Protocol):
    async def steps_completed(self, steps: Mapping[RunKey, int]) -> None: ...

    async def memory_peaks(self, peaks: Mapping[RunKey, int]) -> None:
        """Store the peak memory of runs in bytes, also of runs that have just ended."""
        ...

    async def silences(self, silences: Mapping[RunKey, datetime | None]) -> None:
        """Store since when runs are silent; None for a run that is not."""
        ...


class ProgressOfRuns:
    def __init__(self, records: ProgressRecords) -> None:
        self._records = records
        self._said: dict[tuple[str, int], tuple[str, RunKey, RunProgress]] = {}
        self._steps: dict[RunKey, int] = {}
        self._memory_peaks: dict[RunKey, int] = {}
        self._silences: dict[RunKey, datetime | None] = {}
        self._settled: BoundedDict[RunKey, None] = BoundedDict(_REMEMBERED_ENDS)

    def of_job(self, job_id: str) -> Mapping[int, RunProgress]:
        """Return the progress of the job's tasks, by task index, as far as hosts reported it."""
        return {
            index: progress
            for (of_job, index), (_, _, progress) in self._said.items()
            if of_job == job_id
        }

    def said(self, worker_id: str, key: RunKey, progress: RunProgress) -> None:
        known = self._said.get((key.job_id, key.index))
        if known is not None and known[1] > key:
            return  # an older attempt at the same task, which is about to end
        if known is None or known[2].memory_peak != progress.memory_peak:
            self._note_memory(key, progress)
        if key in self._settled:
            return  # the message came after the end of its run
        self._note_silence(key, progress, known[2] if known and known[1] == key else None)
        self._said[key.job_id, key.index] = (worker_id, key, progress)
        if progress.steps_completed is not None:
            self._steps[key] = progress.steps_completed

    def settled(self, key: RunKey) -> None:
        """Drop a run's progress: the database has the end of the run."""
        known = self._said.get((key.job_id, key.index))
        if known is not None and known[1] <= key:
            del self._said[key.job_id, key.index]
            # A peak was not stored if it came before the database knew the attempt: store it now.
            self._note_memory(known[1], known[2])
        self._settled[key] = None

    def forget(self, worker_id: str) -> None:
        """Drop the progress that a worker reported."""
        gone = [task for task, known in self._said.items() if known[0] == worker_id]
        for task in gone:
            del self._said[task]

    async def store_steps(self) -> None:
        steps, self._steps = self._steps, {}
        if not steps:
            return
        try:
            await self._records.steps_completed(steps)
        except BaseException:
            self._steps = steps | self._steps
            raise

    async def store_memory(self) -> None:
        peaks, self._memory_peaks = self._memory_peaks, {}
        if not peaks:
            return
        try:
            await self._records.memory_peaks(peaks)
        except BaseException:
            self._memory_peaks = peaks | self._memory_peaks
            raise

    async def store_silences(self) -> None:
        silences, self._silences = self._silences, {}
        if not silences:
            return
        try:
            await self._records.silences(silences)
        except BaseException:
            self._silences = silences | self._silences
            raise

    def _note_silence(self, key: RunKey, progress: RunProgress, before: RunProgress | None) -> None:
        # A host names the silence of a run that has been silent, also when it is over, so a manager
        # that has just started hears of the end, too.
        is_news = before is None and "silent_since" in progress.model_fields_set
        if is_news or (before is not None and before.silent_since != progress.silent_since):
            self._silences[key] = progress.silent_since

    def _note_memory(self, key: RunKey, progress: RunProgress) -> None:
        if progress.memory_peak:
            known = self._memory_peaks.get(key, 0)
            self._memory_peaks[key] = max(progress.memory_peak, known)
