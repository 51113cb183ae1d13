"""Decides when a failed task fails for good, and when a worker is put on the job's blocklist.

Source: Flamenco 3.9, reference section 2.4, with three differences. A worker is blocked at exactly
the configured number of failed tasks. If no other worker is left, the same worker tries again.
Every failure of a task counts, also a second one of the same worker.
"""

from collections import Counter
from collections.abc import Iterable

from workflows.domain.job.tasks import TaskBook
from workflows.domain.messages import Lease, Limits

#: How many broken-off runs of a task count as accidents. Each further one counts as a failure:
#: the task itself probably brings its machines down, for example by using all their memory.
ACCIDENTS_TOLERATED = 3
#: A task fails for good when this many machines have reported a fault that it may cause.
MACHINES_TOLERATED = 3


class FailureBook:
    def __init__(self, tasks: TaskBook, limits: Limits, blocked: set[tuple[str, str]]) -> None:
        self.blocked = blocked
        """(worker, task type) pairs."""
        self.accidents: Counter[int] = Counter()
        self.machines: dict[int, set[str]] = {}
        """By task: the workers that reported a machine's fault that the task itself may cause."""
        self.failed_on: dict[int, str] = {}
        """By index of a task that failed for good: the last worker that tried it."""
        self._tasks = tasks
        self._limits = limits

    def is_blocked(self, worker_id: str, task_type: str) -> bool:
        return (worker_id, task_type) in self.blocked

    def allowed_types(self, lease: Lease) -> list[str]:
        """Return the task types that a lent worker may run."""
        return [t for t in lease.task_types if not self.is_blocked(lease.worker_id, t)]

    def is_accident_forgiven(self, index: int) -> bool:
        """Count a run that broke off; return whether it still counts as an accident."""
        self.accidents[index] += 1
        return self.accidents[index] <= ACCIDENTS_TOLERATED

    def is_machines_fault(self, index: int, worker_id: str, *, may_be_tasks: bool) -> bool:
        """Count a machine's fault; return whether it still counts as the machine's.

        If the task itself may be the cause, it is the task's after `ACCIDENTS_TOLERATED` such
        faults, so that a task that takes all memory cannot set a whole farm aside.
        """
        if not may_be_tasks:
            return True
        # Without a failure: the worker does other tasks first, and this one if it is the last.
        self._tasks.pass_over(index, worker_id)
        self.machines.setdefault(index, set()).add(worker_id)
        is_forgiven = self.is_accident_forgiven(index)
        return is_forgiven and not self.has_failed_everywhere(index)

    def has_failed_everywhere(self, index: int) -> bool:
        """Return whether so many machines reported a fault that it must be the task's."""
        return len(self.machines.get(index, ())) >= MACHINES_TOLERATED

    def count_failure_of_task(self, index: int) -> bool:
        """Count a failure that no worker is blamed for; return whether it is the last one."""
        self._tasks.columns.failures[index - 1] += 1
        return self._tasks.columns.failures[index - 1] >= self._limits.softfail_limit

    def count_failure(self, index: int, worker_id: str) -> bool:
        """Count a worker's failure of a task; return whether the task has failed for good."""
        self._tasks.exclude(index, worker_id)
        return self.count_failure_of_task(index)

    def blocks_now(self, index: int, worker_id: str) -> bool:
        """Block the worker for the task's type if it has failed too many tasks of that type.

        Call it after `count_failure`. Returns whether the worker was blocked just now.
        """
        task_type = self._tasks.task_type(index)
        if self.is_blocked(worker_id, task_type):
            return False
        if self._failed_tasks(worker_id, task_type) < self._limits.blocklist_threshold:
            return False
        self.blocked.add((worker_id, task_type))
        return True

    def blocks_next(self, worker_id: str, task_type: str) -> bool:
        """Return whether one more failed task of the type would block the worker."""
        return self._failed_tasks(worker_id, task_type) + 1 >= self._limits.blocklist_threshold

    def unblock(self, pairs: Iterable[tuple[str, str]]) -> bool:
        """Take (worker, task type) pairs off the blocklist; return whether any was on it.

        The workers' failures still count, so the next failure blocks them again, as in Flamenco.
        """
        before = len(self.blocked)
        self.blocked.difference_update(pairs)
        return len(self.blocked) < before

    def given_back(self, worker_id: str) -> list[int]:
        """Return the tasks that this newly blocked worker was the last to fail.

        Other workers shall try them.
        """
        return sorted(index for index, worker in self.failed_on.items() if worker == worker_id)

    def forgive_all(self) -> None:
        self.blocked.clear()
        self.accidents.clear()
        self.machines.clear()
        self.failed_on.clear()

    def _failed_tasks(self, worker_id: str, task_type: str) -> int:
        return sum(
            1
            for index in self._tasks.excluded
            if worker_id in self._tasks.columns.failed_by[index - 1]
            and self._tasks.task_type(index) == task_type
        )
