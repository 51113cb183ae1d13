"""The changes that a job's workflow has not yet written to the database."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from workflows.domain.job.ranges import format_ranges
from workflows.domain.messages import (
    Demand,
    JobMoved,
    LeaseReturned,
    ProjectionWrite,
    RunStopped,
    TasksMoved,
)
from workflows.domain.statuses import JobStatus, TaskStatus


@dataclass(slots=True)
class Changes:
    """The changes since the last projection write; `take` empties it."""

    jobs: list[JobMoved] = field(default_factory=list)
    tasks: list[TasksMoved] = field(default_factory=list)
    priority: int | None = None
    held: list[str] = field(default_factory=list)
    moved: list[tuple[str, int]] = field(default_factory=list)
    returned: list[LeaseReturned] = field(default_factory=list)
    blocked: tuple[tuple[str, str], ...] | None = None
    demand: Demand | None = None
    has_demand_grown: bool = False
    stopped: list[RunStopped] = field(default_factory=list)
    is_final: bool = False

    def __bool__(self) -> bool:
        lists = (self.jobs, self.tasks, self.held, self.moved, self.returned, self.stopped)
        single = (self.priority, self.blocked, self.demand)
        return any(lists) or any(value is not None for value in single) or self.is_final

    @property
    def is_pressing(self) -> bool:
        """Whether to write at once, because the keeper, a host or the job's owner waits for it.

        Changes of tasks alone may be collected for a while.
        """
        lists = (self.jobs, self.moved, self.returned, self.stopped)
        single = (self.priority, self.blocked)
        is_set = any(value is not None for value in single)
        return any(lists) or is_set or self.has_demand_grown or self.is_final

    def tasks_moved(
        self,
        indexes: Sequence[int],
        status: TaskStatus,
        text: str,
        *,
        are_forgiven: bool = False,
        renders_again: bool = False,
    ) -> None:
        """Add a move of tasks that a change of their job caused; `indexes` are ascending."""
        if not indexes:
            return
        moved = TasksMoved(format_ranges(indexes), status, text, in_bulk=True)
        if renders_again:
            moved = replace(moved, renders_again=True)
        if are_forgiven:
            moved = replace(moved, failed_by=(), failures=0)
        self.tasks.append(moved)

    def forget_demand(self) -> None:
        """The database knows it already."""
        self.demand, self.has_demand_grown = None, False

    def take(self, job_id: str, run: int, sequence: int) -> ProjectionWrite:
        write = ProjectionWrite(
            job_id,
            run,
            sequence,
            jobs=tuple(self.jobs),
            tasks=tuple(self.tasks),
            priority=self.priority,
            held=tuple(self.held),
            moved=tuple(self.moved),
            returned=tuple(self.returned),
            blocked=self.blocked,
            demand=self.demand,
            stopped=tuple(self.stopped),
            is_final=self.is_final,
        )
        self.__init__()  # type: ignore[misc]  # empties every field, also ones added later
        return write

    def status_moved(
        self, previous: JobStatus, status: JobStatus, text: str, refresh: bool
    ) -> None:
        self.jobs.append(JobMoved(previous, status, text, refresh))
