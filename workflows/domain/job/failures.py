"""Who is blamed for a failed task, and when a task or a worker gets no further chance.

Source: Flamenco 3.9, reference section 2.4, but: the blocklist threshold means what it says; where
nobody else is left, the same worker tries again; each failure counts, whoever's it was.
"""

from collections import Counter
from collections.abc import Iterable

from workflows.domain.job.tasks import TaskBook
from workflows.domain.messages import Limits

#: Broken-off runs that are taken for accidents, per task. Beyond that it is the task that kills
#: its machines, say by eating all their memory, and each further one counts as a failure.
ACCIDENTS_TOLERATED = 3


class FailureBook:
    def __init__(self, tasks: TaskBook, limits: Limits, blocked: set[tuple[str, str]]) -> None:
        self.blocked = blocked
        """(worker, task type) pairs."""
        self.accidents: Counter[int] = Counter()
        self.failed_on: dict[int, str] = {}
        """Tasks that failed for good, and the last worker that tried."""
        self._tasks = tasks
        self._limits = limits

    def is_blocked(self, worker_id: str, task_type: str) -> bool:
        return (worker_id, task_type) in self.blocked

    def is_accident_forgiven(self, index: int) -> bool:
        """Counts a run that broke off; true while that is nobody's fault."""
        self.accidents[index] += 1
        return self.accidents[index] <= ACCIDENTS_TOLERATED

    def count_failure(self, index: int, worker_id: str) -> bool:
        """Notes that a worker failed a task; true if the task has no further try.

        Blocks the worker for the task's type when it failed too many tasks of it.
        """
        self._tasks.exclude(index, worker_id)
        self._tasks.columns.failures[index - 1] += 1
        return self._tasks.columns.failures[index - 1] >= self._limits.softfail_limit

    def blocks_now(self, index: int, worker_id: str) -> bool:
        """Puts the worker on the blocklist for this task's type, if it is due. Call it after
        `count_failure`.
        """
        task_type = self._tasks.task_type(index)
        if self.is_blocked(worker_id, task_type):
            return False
        if self._failed_tasks(worker_id, task_type) < self._limits.blocklist_threshold:
            return False
        self.blocked.add((worker_id, task_type))
        return True

    def unblock(self, pairs: Iterable[tuple[str, str]]) -> bool:
        """Takes workers off the blocklist; whether any was on it. What they failed still counts, so
        the next failure puts them back, as in Flamenco.
        """
        before = len(self.blocked)
        self.blocked.difference_update(pairs)
        return len(self.blocked) < before

    def given_back(self, worker_id: str) -> list[int]:
        """Tasks that a newly blocked worker was the last to fail: others shall try them."""
        return sorted(index for index, worker in self.failed_on.items() if worker == worker_id)

    def forgive_all(self) -> None:
        self.blocked.clear()
        self.accidents.clear()
        self.failed_on.clear()

    def _failed_tasks(self, worker_id: str, task_type: str) -> int:
        return sum(
            1
            for index in self._tasks.excluded
            if worker_id in self._tasks.columns.failed_by[index - 1]
            and self._tasks.task_type(index) == task_type
        )
