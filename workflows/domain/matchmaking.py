"""Which job gets which free worker: one pure pass over a snapshot of the farm.

Strict order is Flamenco's: job priority, higher first, then the oldest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from workflows.domain.messages import Census, Demand, SessionChanged, WorkerGone
from workflows.domain.statuses import JobStatus, WorkerStatus


@dataclass(frozen=True, slots=True)
class WorkerFacts:
    """Of every worker that is not deleted, offline ones included: they are the census."""

    id: str
    name: str
    status: WorkerStatus
    session: int
    slots: int
    task_types: frozenset[str]
    tags: frozenset[str]
    is_present: bool
    """Its control channel is open, or was until a moment ago."""
    status_requested: WorkerStatus | None = None
    is_lazy_request: bool = False
    live_runs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class JobFacts:
    """Of every job that has not ended."""

    id: str
    run: int
    status: JobStatus
    priority: int
    age_rank: int
    """Smaller is older."""
    tag: str | None
    demand: Demand | None


@dataclass(frozen=True, slots=True)
class LeaseFacts:
    """Of every lease that is offered or held."""

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


@dataclass(frozen=True, slots=True)
class FarmSnapshot:
    workers: tuple[WorkerFacts, ...]
    jobs: tuple[JobFacts, ...]
    leases: tuple[LeaseFacts, ...]
    hand_backs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    """(job, worker) to the demand version it was handed back at."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A lease to write. The database gives it its id and generation."""

    worker_id: str
    session: int
    slot: int
    job_id: str
    run: int


@dataclass(frozen=True, slots=True)
class RecallOrder:
    lease_id: str
    job_id: str
    at_once: bool
    reason: str


@dataclass(frozen=True, slots=True)
class StatusOrder:
    """The worker is free; its host may now do what was requested of it."""

    worker_id: str
    status: WorkerStatus


@dataclass(slots=True)
class Plan:
    offers: list[Offer] = field(default_factory=list)
    recalls: list[RecallOrder] = field(default_factory=list)
    gone: list[tuple[str, WorkerGone]] = field(default_factory=list)
    """(job, message)"""
    changed_sessions: list[tuple[str, SessionChanged]] = field(default_factory=list)
    censuses: list[tuple[str, Census]] = field(default_factory=list)
    orphaned: list[str] = field(default_factory=list)
    """Leases whose job run is no more: to be marked returned."""
    status_orders: list[StatusOrder] = field(default_factory=list)
