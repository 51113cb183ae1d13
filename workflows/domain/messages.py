"""Messages between manager, workflow and host, with their keys (docs/protocol.md).

All are frozen and hold only JSON values. New fields have defaults, so that messages of older
builds can still be read. Tasks are named by their index in the job, 1-based as in Flamenco's API:
a hundred thousand UUIDs would not fit in a workflow's state.
"""

import re
from dataclasses import dataclass, field, replace
from enum import StrEnum

from workflows.domain.render_warnings import Warnings
from workflows.domain.statuses import JobStatus, TaskStatus

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LARGEST = 2**31 - 1


def is_uuid(text: str) -> bool:
    """Return whether the text is a UUID in lower case, as ids are stored."""
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
        if not is_uuid(self.job_id):
            raise ValueError("the id of the job is not a UUID")
        if not all(1 <= number <= _LARGEST for number in (self.index, self.run, self.attempt)):
            raise ValueError(f"index, run and attempt must be between 1 and {_LARGEST}")


@dataclass(frozen=True, slots=True)
class Limits:
    """The farm's settings that a job's rules need, from the time when the run was claimed."""

    softfail_limit: int = 3
    """A task fails for good at this many failures (`task_fail_after_softfail_count`)."""
    blocklist_threshold: int = 3
    """A worker is blocked for a task type at this many failed tasks of that type."""
    retry_pause_s: float = 5.0
    """The pause before the same worker tries a task again, when no other worker is left."""
    schedule_to_start_s: float = 30.0
    heartbeat_s: float = 90.0
    history_events: int = 8_000
    """The workflow continues as new at this length of its history, in events."""
    max_live: int = 500
    """The most live runs in one job; Temporal gets stuck at 2,000 pending activities."""
    on_deck_below_s: float = 30.0
    """A worker holds its next task in advance if the job's runs take less than this time."""


#: The longest line of text for people, in characters. One message holds hundreds of them; a message
#: larger than Temporal's 2 MB would be retried for ever.
LONGEST_REASON = 500
LONGEST_REQUEST_ID = 100
LONGEST_ID = 36
#: The longest task type, as in the database.
LONGEST_WORD = 255
#: The most blocklist entries that one message can remove.
MOST_UNBLOCKED = 1000


# --- keeper to workflow ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Lease:
    """A slot of a worker, lent to one run of a job. Key: `id`; the newer `generation` wins."""

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
    """The worker speaks Flamenco's own protocol; the managers run its activities."""
    has_deck: bool = False
    """The worker's host can hold its next task while one runs."""

    @property
    def task_queue(self) -> str:
        if self.is_http:
            return HTTP_TASK_QUEUE
        return worker_task_queue(self.worker_id, self.session)


#: The managers' task queue for the tasks of workers that speak HTTP.
HTTP_TASK_QUEUE = "http-workers"


def worker_task_queue(worker_id: str, session: int) -> str:
    """Return the task queue of one sign-on: hosts with copied credentials never share a queue."""
    return f"worker-{worker_id}-{session}"


@dataclass(frozen=True, slots=True)
class Recall:
    """An order to give a lease back: after the current task, or at once."""

    lease_id: str
    at_once: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class WorkerGone:
    """A worker's session is over: lost, signed off, deleted. Key: worker, session.

    Leases of this session and of older ones end. Their tasks do not count as failed.
    """

    worker_id: str
    session: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A worker's host has signed on again. Key: worker, session (the new one).

    Runs named in `live` go on under the new session, on the new task queue. Every other run of an
    older session is lost at once (protocol rule 8).
    """

    worker_id: str
    session: int
    live: tuple[str, ...] = ()
    """`str(RunKey)` of each run that lives, or whose outcome the host keeps."""


@dataclass(frozen=True, slots=True)
class Census:
    """The keeper's answer to a demand: which workers are left to try (protocol rule 1).

    Key: demand version. An answer to another version than the current one is ignored.
    """

    version: int
    task_type: str
    allow_retry: tuple[str, ...] = ()
    """Workers that may retry tasks that they failed, since no other worker is there."""
    nobody_left: bool = False
    """Whether every worker of the farm that could run this task type is blocked for it."""


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


class FramesOnRequeue(StrEnum):
    """What becomes of the frames that a requeued task has written."""

    KEEP = "keep"
    RENDER_AGAIN = "render-again"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of a job: one of `action`, `task_action`, `priority` and `unblock` is set.

    `task` is the task's index, for `task_action`. If the job's workflow has ended, the change is
    stored in the database, and a new run of the job starts with it.
    """

    action: JobAction | None = None
    task_action: TaskAction | None = None
    priority: int | None = None
    task: int | None = None
    reason: str = ""
    request_id: str = ""
    unblock: tuple[tuple[str, str], ...] = ()
    """(worker, task type) pairs to take off the blocklist."""
    frames: FramesOnRequeue | None = None
    """With a requeue; None: completed tasks render their frames again, other ones keep them."""

    def clipped(self) -> "Change":
        """Return the same change with its texts and pairs cut to the limits above."""
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
    """Input of the job's workflow. Only a continue-as-new sets the last two fields."""

    job_id: str
    run: int
    carried: str | None = None
    """The run's state, see `workflows.domain.job.carrying`."""
    unwritten: "ProjectionWrite | None" = None
    """The changes that the database does not have yet."""


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """Answer to a claim: the state that one run of a job starts from."""

    job_id: str
    run: int
    status: JobStatus
    priority: int
    tasks: str
    """The tasks in compact form, see `workflows.domain.job.encoding`."""
    sequence: int = 0
    demand_version: int = 0
    blocked: tuple[tuple[str, str], ...] = ()
    """(worker, task type) pairs."""
    limits: Limits = field(default_factory=Limits)
    change: Change | None = None
    """The change that the run was started for; None if a submission started it."""
    task_names: str = ""
    """The tasks' names in compact form, see `workflows.domain.job.task_names`."""
    told: "Demand | None" = None
    """The demand, if the claim has stored it as the run's first write."""


# --- workflow to host -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class RunRef:
    """Input of the activity `run_task`. The host fetches the commands from the manager."""

    job_id: str
    index: int
    run: int
    attempt: int
    lease_id: str
    slot: int
    generation: int
    after: str = ""
    """`str(RunKey)` of the run that this one waits for, on deck; empty if it waits for none."""

    @property
    def key(self) -> RunKey:
        return RunKey(self.job_id, self.index, self.run, self.attempt)

    def check(self) -> None:
        """Refuse a reference that no job's workflow can have sent.

        Any client of Temporal can schedule an activity on a host's task queue. The host makes
        paths and addresses of the job's id, so it must be nothing but a UUID.

        Raises:
            ValueError: see `RunKey.check`; or the lease's id is not a UUID, its slot or generation
                is out of range, or what it waits for is no run.
        """
        self.key.check()
        if not is_uuid(self.lease_id):
            raise ValueError("the id of the lease is not a UUID")
        if not (0 <= self.slot <= _LARGEST and 0 <= self.generation <= _LARGEST):
            raise ValueError(f"slot and generation must be between 0 and {_LARGEST}")
        if self.after:
            RunKey.parse(self.after)


class OutcomeKind(StrEnum):
    COMPLETED = "completed"
    FAILED = "failed"
    """A command failed; it counts as a failure of the task."""
    CANCELED = "canceled"
    """The run was stopped by order."""
    LOST = "lost"
    """An accident broke the run off (shim killed, machine restarted)."""
    REFUSED = "refused"
    """The run never began: the host sleeps, shuts down, or knows a newer lease. The lease ends.

    A run also ends like this when an HTTP worker goes to sleep or signs off in the middle of it.
    """
    SUPERSEDED = "superseded"
    """A newer attachment to the same run reports instead."""
    WITHDRAWN = "withdrawn"
    """The run was taken off its host's deck before it began, so it was no attempt."""
    BEGUN = "begun"
    """The answer of a host that cannot withdraw a run, because it has begun."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended. Key: run key; the first accepted outcome counts."""

    kind: OutcomeKind
    reason: str = ""
    """One line, shown as the task's activity."""
    not_handed_out: bool = False
    """Whether an HTTP worker never got the run, so that its attempt does not count."""
    fault: str = ""
    """The class of a failure's cause, a `workflows.domain.faults.Fault`; empty if unknown."""
    rule: str = ""
    """The name of the rule that has found the cause."""
    may_be_tasks: bool = False
    """Whether the task itself may be the cause of this fault of a machine."""
    warnings: Warnings = ()
    ran_s: float | None = field(default=None, compare=False)
    """How long the run took, in seconds; None if its host does not say."""


# --- workflow to database -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TasksMoved:
    """Tasks that changed in the same way. `indexes` is range-coded: `1-4,9`."""

    indexes: str
    status: TaskStatus
    activity_text: str
    in_bulk: bool = False
    """Whether a change of the job caused it: clients get one job event, and no task events."""
    worker_id: str | None = None
    """The task's new last worker; None leaves it as it is."""
    attempt: int | None = None
    failed_by: tuple[str, ...] | None = None
    """The new list of workers that failed the task; None leaves it as it is."""
    failures: int | None = None
    warnings: Warnings | None = None
    """The warnings of the run that has ended; None leaves them as they are."""
    renders_again: bool = False
    """Whether the next attempt renders the frames again that earlier attempts have written."""
    is_offer: bool = False
    """Whether only the attempt counts, and not the status. Either an HTTP worker still has to fetch
    the run, and the database moves the task when the run is handed out; or the attempt was used up
    by a run on deck.
    """


@dataclass(frozen=True, slots=True)
class JobMoved:
    previous: JobStatus
    status: JobStatus
    activity_text: str
    refresh_tasks: bool


@dataclass(frozen=True, slots=True)
class LeaseReturned:
    """The worker is free again.

    `demand_version` is the version of the demand that the worker could not serve. With 0, the
    lease was returned for another reason, and the worker may be lent to the same demand again.
    """

    lease_id: str
    worker_id: str
    demand_version: int
    reason: str
    unresponsive: bool = False
    """Whether the host did not answer; the keeper does not lend it again for a while."""


@dataclass(frozen=True, slots=True)
class Want:
    """Tasks of one type that could start now, and the workers that may not run them."""

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
    """The changes of a job since the last write. Key: job, run, sequence."""

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
    """The whole blocklist, if it has changed."""
    demand: Demand | None = None
    stopped: tuple[RunStopped, ...] = ()
    is_final: bool = False
    """The workflow ends with this write: no lease of this run is held any more."""
    snapshot: str | None = None
    """All tasks in compact form, if the database asked for them."""
    all_held: tuple[str, ...] | None = None
    """With a snapshot: every lease this run holds; others of this run are returned."""
    status: JobStatus | None = None
    """With a snapshot: the job's status."""


class WriteAnswer(StrEnum):
    STORED = "stored"
    """The write is stored, now or by an earlier copy of it."""
    SEND_ALL = "send-all"
    """The database lacks earlier writes, and needs the same write with a snapshot."""
    GONE = "gone"
    """The job does not exist, or another run owns it: the workflow ends."""
