"""A job's tasks while it runs: statuses, dependencies, and the choice of a worker's next task."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from heapq import heappop, heappush

from workflows.domain.job.encoding import TaskColumns
from workflows.domain.job.ranges import indexes_in
from workflows.domain.messages import Want
from workflows.domain.statuses import WAITING, TaskStatus

_NOT_BEGUN = WAITING | {TaskStatus.PAUSED}


class TaskBook:
    """Tasks by their 1-based index.

    Tasks that are ready wait in heaps, so that a job with many tasks need not search them all.
    """

    def __init__(self, columns: TaskColumns) -> None:
        self.columns = columns
        self.counts: Counter[TaskStatus] = Counter(columns.statuses)
        self.excluded: dict[int, set[str]] = {
            position + 1: set(workers)
            for position, workers in enumerate(columns.failed_by)
            if workers
        }
        """By task index: the workers that failed the task and may not try it again (yet)."""
        self.has_grown = False
        """Whether a task may start that could not before; the demand then gets a new version."""
        self._held: set[int] = set()
        self._is_ready = bytearray(len(columns) + 1)
        self._ready_counts: Counter[str] = Counter()
        self._ready: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
        self._dependents: defaultdict[int, list[int]] = defaultdict(list)
        self._open_dependencies = [0] * (len(columns) + 1)
        self._link_dependencies()
        for index in self:
            self._refresh(index)

    def __iter__(self) -> Iterator[int]:
        return iter(range(1, len(self.columns) + 1))

    def __contains__(self, index: int) -> bool:
        return 1 <= index <= len(self.columns)

    def status(self, index: int) -> TaskStatus:
        return self.columns.statuses[index - 1]

    def task_type(self, index: int) -> str:
        return self.columns.types[index - 1]

    def attempt(self, index: int) -> int:
        return self.columns.attempts[index - 1]

    def in_status(self, statuses: Collection[TaskStatus]) -> list[int]:
        return [i for i, status in enumerate(self.columns.statuses, start=1) if status in statuses]

    @property
    def ready_count(self) -> int:
        return sum(self._ready_counts.values())

    @property
    def can_progress(self) -> bool:
        """Whether a waiting task can start, now or as soon as its old run has stopped."""
        return self.ready_count > 0 or any(self.status(index) in WAITING for index in self._held)

    def may_run(self, index: int) -> bool:
        """Return whether a run of this task counts: all that it depends on has completed."""
        return self.status(index) in _NOT_BEGUN and not self._open_dependencies[index]

    # --- changes ---------------------------------------------------------------------------------

    def move(self, index: int, new: TaskStatus) -> None:
        old = self.status(index)
        if old is new:
            return
        self.columns.statuses[index - 1] = new
        self.counts[old] -= 1
        self.counts[new] += 1
        self._refresh(index)
        if TaskStatus.COMPLETED in (old, new):
            step = -1 if new is TaskStatus.COMPLETED else 1
            for dependent in self._dependents[index]:
                self._open_dependencies[dependent] += step
                self._refresh(dependent)

    def hold(self, index: int) -> None:
        """Keep a task from starting while its run lives, whatever the task's status."""
        self._held.add(index)
        self._refresh(index)

    def release(self, index: int) -> None:
        self._held.discard(index)
        self._refresh(index)

    def pass_over(self, index: int, worker_id: str) -> None:
        """Let other workers try the task first, without a failure of this one."""
        self.excluded.setdefault(index, set()).add(worker_id)
        self.has_grown = True

    def exclude(self, index: int, worker_id: str) -> None:
        self.excluded.setdefault(index, set()).add(worker_id)
        failed_by = self.columns.failed_by[index - 1]
        if worker_id not in failed_by:
            self.columns.failed_by[index - 1] = (*failed_by, worker_id)

    def allow_retry(self, task_type: str, workers: Collection[str]) -> None:
        for index, excluded in list(self.excluded.items()):
            if self.task_type(index) == task_type and not excluded.isdisjoint(workers):
                excluded.difference_update(workers)
                self.has_grown = True

    def forgive(self, indexes: Iterable[int]) -> None:
        """Clear the failures of these tasks; they do not count any more."""
        for index in indexes:
            self.columns.failures[index - 1] = 0
            self.columns.failed_by[index - 1] = ()
            self.excluded.pop(index, None)

    def with_failures(self) -> list[int]:
        return [i for i, failures in enumerate(self.columns.failures, start=1) if failures]

    def with_dependents(self, index: int) -> list[int]:
        """Return the task and all tasks that depend on it, directly or not, ascending."""
        found, todo = {index}, [index]
        while todo:
            for dependent in self._dependents[todo.pop()]:
                if dependent not in found:
                    found.add(dependent)
                    todo.append(dependent)
        return sorted(found)

    # --- choosing --------------------------------------------------------------------------------

    def choose(self, task_types: Iterable[str], worker_id: str) -> int | None:
        """Return the next task for a worker: highest task priority first, then lowest index.

        The caller moves the task to `active` at once.
        """

        def may_try(index: int) -> bool:
            return worker_id not in self.excluded.get(index, ())

        best = min(filter(None, (self._peek(t, may_try) for t in task_types)), default=None)
        return None if best is None else best[1]

    def top_priority(self) -> int | None:
        """Return the highest task priority among the tasks that are ready; None if none is."""
        heads = [self._peek(task_type, lambda _: True) for task_type in self._ready]
        return max((-head[0] for head in heads if head is not None), default=None)

    def priority(self, index: int) -> int:
        return self.columns.priorities[index - 1]

    def _peek(self, task_type: str, may_try: Callable[[int], bool]) -> tuple[int, int] | None:
        heap, passed_over, found = self._ready[task_type], [], None
        while heap and found is None:
            entry = heap[0]
            if not self._is_ready[entry[1]]:
                heappop(heap)
            elif may_try(entry[1]):
                found = entry
            else:
                passed_over.append(heappop(heap))
        for entry in passed_over:
            heappush(heap, entry)
        return found

    # --- demand ----------------------------------------------------------------------------------

    def wants(
        self, blocked: Collection[tuple[str, str]], on_deck: Collection[int] = ()
    ) -> tuple[Want, ...]:
        """Return how many tasks could start now, per task type.

        Args:
            blocked: (worker, task type) pairs.
            on_deck: tasks that wait behind another one on its worker; a free worker may have them.
        """
        counts = self._ready_counts + Counter(self.task_type(index) for index in on_deck)
        return tuple(
            Want(
                task_type,
                count,
                blocked=tuple(sorted(worker for worker, kind in blocked if kind == task_type)),
                failed=self._excluded_everywhere(task_type, count, on_deck),
            )
            for task_type, count in sorted(counts.items())
        )

    def _excluded_everywhere(
        self, task_type: str, count: int, on_deck: Collection[int]
    ) -> tuple[str, ...]:
        sets = [
            workers
            for index, workers in self.excluded.items()
            if (self._is_ready[index] or index in on_deck) and self.task_type(index) == task_type
        ]
        return tuple(sorted(set.intersection(*sets))) if sets and len(sets) == count else ()

    # --- readiness -------------------------------------------------------------------------------

    def _link_dependencies(self) -> None:
        for position, text in enumerate(self.columns.depends_on):
            for dependency in indexes_in(text):
                self._dependents[dependency].append(position + 1)
                if self.columns.statuses[dependency - 1] is not TaskStatus.COMPLETED:
                    self._open_dependencies[position + 1] += 1

    def _refresh(self, index: int) -> None:
        is_ready = (
            self.status(index) in WAITING
            and not self._open_dependencies[index]
            and index not in self._held
        )
        if is_ready == bool(self._is_ready[index]):
            return
        self._is_ready[index] = is_ready
        task_type = self.task_type(index)
        self._ready_counts[task_type] += 1 if is_ready else -1
        if is_ready:
            self.has_grown = True
            heappush(self._ready[task_type], (-self.columns.priorities[index - 1], index))
