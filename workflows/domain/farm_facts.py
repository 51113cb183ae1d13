"""What the farm keeper knows of the farm at one moment: its workers, jobs and leases."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.domain.messages import Demand
from workflows.domain.statuses import JobStatus, WorkerStatus


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """A worker that is not deleted. The snapshot has offline workers too, for the census."""

    id: str
    name: str
    status: WorkerStatus
    session: int
    slots: int
    task_types: frozenset[str]
    tags: frozenset[str]
    is_present: bool
    """Its control channel is open or was open a moment ago, or it asked over HTTP recently."""
    status_requested: WorkerStatus | None = None
    is_lazy_request: bool = False
    live_runs: tuple[str, ...] = ()
    is_http: bool = False
    is_polling: bool = False
    """Whether it speaks HTTP and waits for a task just now."""
    is_paused: bool = False
    """Whether it stays awake but gets no further tasks."""
    set_aside: str = ""
    """Why it gets no further tasks until its machine is mended; empty if it gets them."""
    types_left_out: frozenset[str] = frozenset()
    """Task types that it gets again when its machine is mended; `task_types` has them not."""


@dataclass(frozen=True, slots=True)
class JobFacts:
    """A job that has not ended."""

    id: str
    run: int
    status: JobStatus
    priority: int
    age_rank: int
    """Position by age; a smaller rank is an older job."""
    tag: str | None
    demand: Demand | None


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """A lease that is offered or held."""

    id: str
    worker_id: str
    session: int
    slot: int
    generation: int
    job_id: str
    run: int
    is_held: bool
    recall: str
    """Empty, `after-task` or `at-once`."""
    task_types: frozenset[str] | None = None
    """The worker's task types when it was lent; None if unknown."""
    is_stuck: bool = False
    """Whether its run gives no sign of life, so that the lease may never end."""


@dataclass(frozen=True, slots=True)
class FarmSnapshot:
    workers: tuple[WorkerFacts, ...]
    jobs: tuple[JobFacts, ...]
    leases: tuple[LeaseFacts, ...]
    hand_backs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """By (job, worker): the version of the demand that the worker could not serve."""
    resting: frozenset[str] = frozenset()
    """Workers that did not take a task a moment ago; they are not lent for a while."""
