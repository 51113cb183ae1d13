"""Messages between manager, workflow and host, with their keys (docs/protocol.md).

All are frozen, carry only what JSON carries, and new fields have defaults, so that a message of
an older build still reads. Tasks are named by their index in the job, 1-based as in Flamenco's
API: a hundred thousand UUIDs would not fit in a workflow's state.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from workflows.domain.statuses import JobStatus, TaskStatus

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST = 2**31 - 1


def _is_uuid(text: str) -> bool:
    return _UUID.fullmatch(text) is not None


@dataclass(frozen=True, slots=True, order=True)
class RunKey:
    """One try at one task. `attempt` counts over the job's whole life, from 1."""

    job_id: str
    index: int
    run: int
    attempt: int

    def __str__(self) -> str:
        return f"{self.job_id}.{self.index}.{self.run}.{self.attempt}"

    @classmethod
    def parse(cls, text: str) -> "RunKey":
        """Return the key that `str()` wrote. It is safe in a file name and in an address.

        Raises:
            ValueError: the text is not a run key, or one that `check` refuses.
        """
        job_id, index, run, attempt = text.split(".")
        key = cls(job_id, int(index), int(run), int(attempt))
        key.check()
        if str(key) != text:
            raise ValueError("the numbers are not written in plain digits")
        return key

    def check(self) -> None:
        """Refuse a key that came from outside and that no manager can have made.

        Raises:
            ValueError: the job's id is not a UUID in lower case, or a number is out of range.
        """
        if not _is_uuid(self.job_id):
            raise ValueError("the id of the job is not a UUID")
        if not all(1 <= number <= _LARGEST for number in (self.index, self.run, self.attempt)):
            raise ValueError(f"index, run and attempt must be between 1 and {_LARGEST}")


@dataclass(frozen=True, slots=True)
class Limits:
    """The farm's settings that a job's rules need, as they were when its run was claimed."""

    softfail_limit: int = 3
    """A task fails hard at this many failures (`task_fail_after_softfail_count`)."""
    blocklist_threshold: int = 3
    """A worker is blocked for a task type at this many failed tasks of that type."""
    retry_pause_s: float = 5.0
    """Before the same worker tries again, when there is nobody else."""
    schedule_to_start_s: float = 30.0
    heartbeat_s: float = 90.0
    history_events: int = 8_000
    """Continue-as-new at this length of history."""
    max_live: int = 500
    """Tasks in flight in one job; Temporal wedges at 2,000."""


#: A line for people, in characters. Hundreds of them are carried in one message, and one that is
#: larger than Temporal's 2 MB would be tried for ever.
LONGEST_REASON = 500
LONGEST_REQUEST_ID = 100
LONGEST_ID = 36
#: Of a task type, as in the database.
LONGEST_WORD = 255
#: Entries of a blocklist that one message takes off.
MOST_UNBLOCKED = 1000


# --- keeper to workflow ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """Lends one slot of a worker to one run of a job. Key: `id`; newer `generation` wins."""

    id: str
    worker_id: str
    worker_name: str
    session: int
    slot: int
    generation: int
    job_id: str
    run: int
    task_types: tuple[str, ...]
    is_http: bool = False
    """The worker speaks Flamenco's own protocol: the managers work for it."""

    @property
    def task_queue(self) -> str:
        if self.is_http:
            return HTTP_TASK_QUEUE
        return worker_task_queue(self.worker_id, self.session)


#: Where the managers take the tasks of workers that speak HTTP.
HTTP_TASK_QUEUE = "http-workers"


def worker_task_queue(worker_id: str, session: int) -> str:
    """One task queue per sign-on, so that two hosts with copied credentials never share one."""
    return f"worker-{worker_id}-{session}"


@dataclass(frozen=True, slots=True)
class Recall:
    """Takes a lease back: after the current task, or at once."""

    lease_id: str
    at_once: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerGone:
    """A worker's session is over: lost, signed off, deleted. Key: worker, session.

    Leases of this session and of older ones end. Nobody is blamed.
    """

    worker_id: str
    session: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A worker's host signed on anew. Key: worker, session (the new one).

    Runs named in `live` go on under the new session, on the new task queue; everything else of
    older sessions is lost at once (protocol rule 8).
    """

    worker_id: str
    session: int
    live: tuple[str, ...] = ()
    """`str(RunKey)` of the runs that live, or whose outcome is kept."""


@dataclass(frozen=True, slots=True)
class Census:
    """The keeper's answer to a demand: whom is there left to try (protocol rule 1).

    Key: demand version; an answer to another version than the current one is ignored.
    """

    version: int
    task_type: str
    allow_retry: tuple[str, ...] = ()
    """Workers that may try again what they failed, since nobody else is there."""
    nobody_left: bool = False
    """Every worker of the farm that could run this task type is blocked for it."""


# --- people and programs to workflow --------------------------------------------------------------


class JobAction(StrEnum):
    """Columns of the architecture's action table that concern a running job."""

    CANCEL = "cancel"
    PAUSE = "pause"
    RESUME = "resume"
    REQUEUE = "requeue"
    REQUEUE_FAILED = "requeue-failed"


class TaskAction(StrEnum):
    CANCEL = "cancel"
    REQUEUE = "requeue"


@dataclass(frozen=True, slots=True)
class Change:
    """What somebody asks of a job: one of the first three, or `unblock`.

    `task` is an index, with `task_action`. A job's workflow that has ended is started anew with
    the change waiting in the database.
    """

    action: JobAction | None = None
    task_action: TaskAction | None = None
    priority: int | None = None
    task: int | None = None
    reason: str = ""
    request_id: str = ""
    unblock: tuple[tuple[str, str], ...] = ()
    """(worker, task type) pairs to take off the blocklist."""

    def clipped(self) -> "Change":
        """The same, with texts of a length that can be carried."""
        pairs = [(worker[:LONGEST_ID], kind[:LONGEST_WORD]) for worker, kind in self.unblock]
        return replace(
            self,
            reason=self.reason[:LONGEST_REASON],
            request_id=self.request_id[:LONGEST_REQUEST_ID],
            unblock=tuple(pairs[:MOST_UNBLOCKED]),
        )


# --- claim ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartJob:
    """Input of the job's workflow. The last two come over a continue-as-new."""

    job_id: str
    run: int
    carried: str | None = None
    """See `workflows.domain.job.carrying`."""
    unwritten: "ProjectionWrite | None" = None
    """What had gathered for the database."""


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """Answer to a claim: what one run of a job starts from."""

    job_id: str
    run: int
    status: JobStatus
    priority: int
    tasks: str
    """Compact state, see `workflows.domain.job.encoding`."""
    sequence: int = 0
    demand_version: int = 0
    blocked: tuple[tuple[str, str], ...] = ()
    """(worker, task type) pairs."""
    limits: Limits = field(default_factory=Limits)
    change: Change | None = None
    """What the run was started for, when not for the submission."""


# --- workflow to host -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunRef:
    """Input of the activity `run_task`. No commands: the host fetches them from the manager."""

    job_id: str
    index: int
    run: int
    attempt: int
    lease_id: str
    slot: int
    generation: int

    @property
    def key(self) -> RunKey:
        return RunKey(self.job_id, self.index, self.run, self.attempt)

    def check(self) -> None:
        """Refuse a reference that no job's workflow can have sent.

        Any client of Temporal can schedule an activity on a host's task queue. The host makes
        paths and addresses of the job's id, so it must be nothing but a UUID.

        Raises:
            ValueError: see `RunKey.check`; or the lease's id is not a UUID, or its slot or
                generation is out of range.
        """
        self.key.check()
        if not _is_uuid(self.lease_id):
            raise ValueError("the id of the lease is not a UUID")
        if not (0 <= self.slot <= _LARGEST and 0 <= self.generation <= _LARGEST):
            raise ValueError(f"slot and generation must be between 0 and {_LARGEST}")


class OutcomeKind(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    """The commands ran and failed: somebody's fault."""
    CANCELED = "canceled"
    """Stopped by order."""
    LOST = "lost"
    """Broken off by an accident (shim killed, machine restarted): nobody's fault."""
    REFUSED = "refused"
    """Never began: the host sleeps, shuts down, or knows a newer lease. Ends the lease.

    Also given back by a worker that speaks HTTP, and sleeps or signs off in the middle of it.
    """
    SUPERSEDED = "superseded"
    """A newer attachment to the same run reports instead."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a run. Key: run key; the first one accepted counts."""

    kind: OutcomeKind
    reason: str = ""
    """One line, shown as the task's activity."""


# --- workflow to database -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TasksMoved:
    """Tasks that changed alike. `indexes` is range-coded: `1-4,9`."""

    indexes: str
    status: TaskStatus
    activity_text: str
    in_bulk: bool = False
    """Entailed by a change of the job: one job event with `refresh_tasks`, no task events."""
    worker_id: str | None = None
    """None leaves the last worker as it is."""
    attempt: int | None = None
    failed_by: tuple[str, ...] | None = None
    """Replaces the failure list; None leaves it."""
    failures: int | None = None


@dataclass(frozen=True, slots=True)
class JobMoved:
    previous: JobStatus
    status: JobStatus
    activity_text: str
    refresh_tasks: bool


@dataclass(frozen=True, slots=True)
class LeaseReturned:
    """The worker is free. `demand_version` is the one it was of no use to; 0: not for that reason,
    so that it may be lent to the same demand again.
    """

    lease_id: str
    worker_id: str
    demand_version: int
    reason: str
    unresponsive: bool = False
    """The host did not answer; the keeper looks at it before it lends it again."""


@dataclass(frozen=True, slots=True)
class Want:
    """Tasks of one type that could start now, and who may not run them."""

    task_type: str
    count: int
    blocked: tuple[str, ...] = ()
    """Workers blocked for this type."""
    failed: tuple[str, ...] = ()
    """Workers that failed every one of these tasks; they may be allowed to retry."""


@dataclass(frozen=True, slots=True)
class Demand:
    version: int
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, slots=True)
class RunStopped:
    """A run that the workflow has given up; the manager tells its host on the fast channel."""

    key: RunKey
    worker_id: str
    session: int


@dataclass(frozen=True, slots=True)
class ProjectionWrite:
    """What changed since the last write. Key: job, run, sequence."""

    job_id: str
    run: int
    sequence: int
    jobs: tuple[JobMoved, ...] = ()
    tasks: tuple[TasksMoved, ...] = ()
    priority: int | None = None
    held: tuple[str, ...] = ()
    """Leases accepted since the last write."""
    moved: tuple[tuple[str, int], ...] = ()
    """(lease, session): leases that went on under a host's new session."""
    returned: tuple[LeaseReturned, ...] = ()
    blocked: tuple[tuple[str, str], ...] | None = None
    """The whole blocklist, when it changed."""
    demand: Demand | None = None
    stopped: tuple[RunStopped, ...] = ()
    is_final: bool = False
    """The workflow ends with this write: no lease of this run is held any more."""
    snapshot: str | None = None
    """The whole task table in compact form, when the database asked for it."""
    all_held: tuple[str, ...] | None = None
    """With a snapshot: every lease this run holds; others of this run are returned."""
    status: JobStatus | None = None
    """With a snapshot: the job's status."""


class WriteAnswer(StrEnum):
    STORED = "stored"
    """Also when it had been stored before."""
    SEND_ALL = "send-all"
    """The database has not seen what came before: a snapshot is wanted."""
    GONE = "gone"
    """No such job, or another run owns it: the workflow ends."""
