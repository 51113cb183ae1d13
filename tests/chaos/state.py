"""What can be seen of a farm from outside: all that the auditor knows. Plain values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.chaos.people import Done
from tests.chaos.plan import Plan
from tests.chaos.strikes import Struck
from tests.chaos.watch import Heard, Render


def is_internal(topic: str) -> bool:
    """Whether events with this topic are for managers only (docs/protocol.md, rule 10)."""
    return topic.startswith("/internal/")


@dataclass(frozen=True, slots=True)
class TaskSeen:
    """A task as the API tells it."""

    id: str
    index: int
    status: str
    frames: tuple[int, ...]
    """Empty for the task that collects."""
    logs: Mapping[int, str]
    """The log of each try, by its attempt."""


@dataclass(frozen=True, slots=True)
class JobSeen:
    id: str
    name: str
    status: str
    tasks: tuple[TaskSeen, ...]
    broken_frames: Mapping[int, str]
    """Frames whose file is not as it must be, and why."""
    other_files: tuple[str, ...]
    """Files among the frames that are none."""


@dataclass(frozen=True, slots=True)
class WorkflowSeen:
    """An execution of a job's workflow, by Temporal's history."""

    job: str
    status: str
    failures: tuple[str, ...]
    """Why workflow tasks have failed."""


@dataclass(frozen=True, slots=True)
class FarmState:
    """A farm after its faults are over and all has settled, or should have."""

    plan: Plan
    struck: Sequence[Struck]
    done: Sequence[Done]
    submitted: Mapping[str, float] = field(default_factory=dict)
    """When each job of the plan was accepted, in seconds since the epoch, by its name."""
    jobs: Sequence[JobSeen] = ()
    renders: Sequence[Render] = ()
    workers: Mapping[str, str] = field(default_factory=dict)
    """Statuses by names."""
    leases: Sequence[str] = ()
    """Each lease that is not returned, in words."""
    kept_runs: Sequence[str] = ()
    """Run directories that hosts have not given up."""
    workflows: Sequence[WorkflowSeen] = ()
    processes: Sequence[str] = ()
    """Processes that should have ended, in words."""
    heard: Sequence[Heard] = ()
    stored: Sequence[tuple[int, str]] = ()
    """Id and topic of each event that clients may get, as the database has them."""
    connected: Mapping[str, Sequence[float]] = field(default_factory=dict)
    """When each host has said in its log that it is connected, in seconds since the epoch."""

    def job_named(self, name: str) -> JobSeen | None:
        return next((job for job in self.jobs if job.name == name), None)

    def renders_of_task(self, job: JobSeen, task: TaskSeen) -> Iterator[Render]:
        return (each for each in self.renders if each.task == f"{job.id}.{task.index}")
