"""The manager's tables. Ids are UUIDs as 36-character text, times are UTC.

While a job runs, its `status`, its `activity` and its tasks are a projection of its workflow
(docs/architecture.md), which `manager_api.jobs.projection` writes.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Generic, TypeVar, cast

from sqlalchemy import (
    JSON,
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
    true,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from workflows.domain.access import Kind, Role, Via
from workflows.domain.notifications import DeliveryState, HappeningKind, Scope, Shape, Way
from workflows.domain.statuses import JobStatus, TaskStatus, WorkerStatus


class UtcDateTime(TypeDecorator[datetime]):
    """Stores and returns aware datetimes, also on SQLite, which does not store the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def result_processor(self, dialect: Dialect, coltype: Any) -> Callable[[Any], Any] | None:
        """Return what makes a datetime of a driver's value.

        SQLite has text. Lists have many times, and this is four times faster than to add the time
        zone to the datetime that SQLAlchemy makes of the text.
        """
        return _utc_of if dialect.name == "sqlite" else super().result_processor(dialect, coltype)


def _utc_of(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(f"{text}+00:00")


class FreeText(TypeDecorator[str]):
    """Text from outside, in which characters that cannot be stored are replaced.

    PostgreSQL does not store NUL, and neither database stores half a surrogate pair. A job's write
    is repeated until it is stored, so such a character must not prevent that.
    """

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\x00" not in value):
            return value
        storable = value.replace("\x00", "\N{REPLACEMENT CHARACTER}")
        return storable.encode("utf-8", "replace").decode("utf-8")


E = TypeVar("E", bound=StrEnum)


class Word(TypeDecorator[E], Generic[E]):
    """Stores an enum's value, not its name."""

    impl = String(32)
    cache_ok = True

    def __init__(self, enum: type[E]) -> None:
        super().__init__()
        self.enum = enum
        self._members = {str(member): member for member in enum}

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:
        return None if value is None else self._members[value]


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(row: type[Base]) -> Table:
    """Return a class's table, for statements without the mapping: bulk ones and very fast ones."""
    return cast(Table, row.__table__)


class JobRow(Base):
    __tablename__ = "jobs"
    __table_args__ = (
        # This index is nearly always empty, and is read all the time.
        Index(
            "ix_jobs_delete_requested_at",
            "delete_requested_at",
            sqlite_where=text("delete_requested_at IS NOT NULL"),
            postgresql_where=text("delete_requested_at IS NOT NULL"),
        ),
        Index(
            "ix_jobs_is_archiving",
            "is_archiving",
            sqlite_where=text("is_archiving"),
            postgresql_where=text("is_archiving"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(FreeText)
    job_type: Mapped[str] = mapped_column(String(255))
    priority: Mapped[int]
    status: Mapped[JobStatus] = mapped_column(Word(JobStatus), index=True)
    activity: Mapped[str] = mapped_column(FreeText, default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    job_metadata: Mapped[dict[str, str]] = mapped_column("metadata", JSON, default=dict)
    rna_overrides: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Checked lines of `workflows.domain.rna_overrides`; null if there are none."""
    shaman_checkout_id: Mapped[str] = mapped_column(FreeText, default="")
    worker_tag_id: Mapped[str | None] = mapped_column(ForeignKey("worker_tags.id"))
    output: Mapped[str | None] = mapped_column(String(64), index=True)
    """A digest of the path of the job's frames; null if the settings do not name one."""
    own_output: Mapped[str | None] = mapped_column(String(64), index=True, unique=True)
    """The same digest, if the path has the time of the submission and so is this job's alone."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    delete_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    steps_total: Mapped[int] = mapped_column(default=0)
    steps_completed: Mapped[int] = mapped_column(default=0)
    task_counts: Mapped[dict[str, int] | None] = mapped_column(JSON(none_as_null=True))
    """How many tasks have each status; statuses that none has are left out. Null: no tasks."""
    render_ms: Mapped[int] = mapped_column(BigInteger, default=0, server_default="0")
    """Milliseconds that its completed first tasks took: those that wait for no other task."""
    render_steps: Mapped[int] = mapped_column(default=0, server_default="0")
    """The steps of these tasks, which are frames as a rule."""

    run: Mapped[int] = mapped_column(default=1)
    """Number of the run that owns this job; issued here, never reused."""
    sequence: Mapped[int] = mapped_column(default=0)
    """The number of the last stored projection write of this run; 0 before the first."""
    last_write: Mapped[str | None] = mapped_column(String(32))
    """The last write's `workflows.domain.writes.fingerprint`; null before the first write."""
    is_ended: Mapped[bool] = mapped_column(default=False, index=True)
    """Whether the run's final write was stored, so that its workflow has nothing left to do."""
    pending_change: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The `messages.Change` that this run was started for; its claim returns it."""
    demand: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The `messages.Demand`; null if no task waits for a worker."""
    demand_version: Mapped[int] = mapped_column(default=0)

    waits: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """Why tasks wait for workers, as the keeper saw it last (`manager_api.keeper.shortages`); null
    if none wait.
    """

    owner: Mapped[str | None] = mapped_column(String(36))
    """The account that submitted the job; null if it was submitted without one."""

    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_archiving: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the job is archived and its tasks and logs are not all deleted yet."""
    statistics: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """The `contract.archive.ArchivedStatistics` of an archived job's tasks."""


class TaskRow(Base):
    __tablename__ = "tasks"
    __table_args__ = (
        Index("ix_tasks_worker_id_updated", "worker_id", "updated"),
        Index(
            "ix_tasks_worker_id_active",
            "worker_id",
            sqlite_where=text("status = 'active'"),
            postgresql_where=text("status = 'active'"),
        ),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    index_in_job: Mapped[int] = mapped_column(primary_key=True)
    """The task's position, from 1, in the order in which the job type made the tasks."""
    id: Mapped[str] = mapped_column(String(36), unique=True)
    name: Mapped[str] = mapped_column(FreeText)
    task_type: Mapped[str] = mapped_column(String(255))
    priority: Mapped[int]
    status: Mapped[TaskStatus] = mapped_column(Word(TaskStatus))
    activity: Mapped[str] = mapped_column(FreeText, default="")
    commands: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    """`{name, parameters, total_step_count}` each, with variables that are not replaced yet."""
    depends_on: Mapped[str] = mapped_column(Text, default="")
    """Indexes of tasks of the same job, as ranges: `1-4,9`."""
    steps_total: Mapped[int] = mapped_column(default=0)
    steps_completed: Mapped[int] = mapped_column(default=0)
    attempt: Mapped[int] = mapped_column(default=0)
    frames_from: Mapped[int] = mapped_column(default=1, server_default="1")
    """Frames that this attempt or a later one has written need no rendering again."""
    failures: Mapped[int] = mapped_column(default=0)
    failed_by: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Ids of the workers that failed the task since its last requeue."""
    worker_id: Mapped[str | None] = mapped_column(ForeignKey("workers.id"))
    """The last worker that got the task."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    last_touched: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When a worker began the newest attempt."""
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the newest attempt ended; null while it runs."""
    warnings: Mapped[list[list[Any]] | None] = mapped_column(JSON(none_as_null=True))
    """(text, how often) pairs of the newest attempt that has ended; null: none."""
    memory_peak: Mapped[int | None] = mapped_column(BigInteger)
    """Peak memory of the newest attempt, in bytes; null if unknown, as for HTTP workers."""
    silent_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the newest attempt gave its last sign of life, if it is stuck; null if it is not."""


class JobHistoryRow(Base):
    """An entry of a job's history: a change of its status, a failure of a task, or an edit."""

    __tablename__ = "job_history"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    happened: Mapped[datetime] = mapped_column(UtcDateTime)
    task_index: Mapped[int | None]
    """The task's index; null if the entry is about the job."""
    worker_id: Mapped[str | None] = mapped_column(String(36))
    """The worker that had the task; kept when the worker is deleted."""
    status: Mapped[str] = mapped_column(String(32))
    """The status after the change."""
    text: Mapped[str] = mapped_column(FreeText)


class JobBlockRow(Base):
    __tablename__ = "job_blocks"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"), primary_key=True)
    task_type: Mapped[str] = mapped_column(String(255), primary_key=True)


class OutboxRow(Base):
    """A workflow to start: written with the change that needs it, removed once Temporal has it."""

    __tablename__ = "outbox"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    run: Mapped[int]
    created: Mapped[datetime] = mapped_column(UtcDateTime)


class WorkerRow(Base):
    __tablename__ = "workers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(FreeText)
    secret_hash: Mapped[str] = mapped_column(String(255))
    address: Mapped[str] = mapped_column(String(255), default="")
    status: Mapped[WorkerStatus] = mapped_column(Word(WorkerStatus))
    platform: Mapped[str] = mapped_column(String(64))
    software: Mapped[str] = mapped_column(FreeText, default="")
    supported_task_types: Mapped[list[str]] = mapped_column(JSON, default=list)
    can_restart: Mapped[bool] = mapped_column(default=False)
    status_requested: Mapped[WorkerStatus | None] = mapped_column(Word(WorkerStatus))
    is_lazy_request: Mapped[bool] = mapped_column(default=False)
    last_seen: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    session: Mapped[int] = mapped_column(default=0)
    """The host's newest sign-on on the control channel; 0: never. Part of its task queue."""
    slots: Mapped[int] = mapped_column(default=1)
    live_runs: Mapped[list[str]] = mapped_column(JSON, default=list)
    """`str(RunKey)` of the runs that lived, or were kept, when this session began."""
    is_http: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the worker asks for its tasks over HTTP, as a Flamenco Worker does."""
    polls_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The time until which an HTTP worker waits for the answer to its request for a task."""
    is_paused: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the worker finishes its tasks and gets no new ones, but stays awake."""
    is_provisioned: Mapped[bool] = mapped_column(default=True, server_default=true())
    """Whether the worker's host uses the settings that the farm keeps for it."""
    has_deck: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the worker's host can hold its next task while one runs."""
    can_upgrade: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the worker's host installs another version when it is ordered to."""
    upgrade: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    """The newest report about an upgrade, with the fields of `control.UpgradeReport`; null if none
    is under way and none has failed.
    """
    set_aside: Mapped[list[dict[str, Any]] | None] = mapped_column(JSON)
    """Why the worker gets no task, or none of some types, as `workflows.domain.asides.to_json`
    writes it; null if it was never set aside.
    """
    is_waiting: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the worker waits to be let in: it gets no tasks, and does not reach Temporal."""
    new_secret_hashes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """Hashes of the secrets that were made for the host to take, the oldest first. Each counts
    beside `secret_hash` until one was used. Null if the host is not to take another secret.
    """
    first_secret_hash: Mapped[str | None] = mapped_column(String(255))
    """The hash of the first secret; null while that one counts. Task tokens are sealed with it."""
    idle_reason: Mapped[str | None] = mapped_column(FreeText)
    """Why the worker gets none of the tasks that wait, as the keeper saw it last; null if no task
    waits, and for workers with a task.
    """


class WorkerTagRow(Base):
    __tablename__ = "worker_tags"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), unique=True)
    description: Mapped[str] = mapped_column(FreeText, default="")


class WorkerTagMembershipRow(Base):
    __tablename__ = "worker_tag_membership"

    worker_id: Mapped[str] = mapped_column(
        ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[str] = mapped_column(
        ForeignKey("worker_tags.id", ondelete="CASCADE"), primary_key=True
    )


class WorkerExaminationRow(Base):
    """What the doctor on a worker's machine has found, when a person asked for it last."""

    __tablename__ = "worker_examinations"

    worker_id: Mapped[str] = mapped_column(
        ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True
    )
    asked: Mapped[datetime] = mapped_column(UtcDateTime)
    told: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the report came; None: none has come yet."""
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """As `workflows.domain.doctor.told` returns it; the one before stays until the next comes."""


class SleepScheduleRow(Base):
    """When a worker sleeps, in the manager's local time."""

    __tablename__ = "sleep_schedules"

    worker_id: Mapped[str] = mapped_column(
        ForeignKey("workers.id", ondelete="CASCADE"), primary_key=True
    )
    is_active: Mapped[bool] = mapped_column(default=False)
    days_of_week: Mapped[str] = mapped_column(String(255), default="")
    """Two-letter words (`mo tu`), separated by spaces; empty means every day."""
    start_time: Mapped[str] = mapped_column(String(16), default="")
    """`HH:MM`; empty means from midnight."""
    end_time: Mapped[str] = mapped_column(String(16), default="")
    next_check: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """The next moment at which the schedule's answer may change; null if it never changes."""


class ProvisionScope(StrEnum):
    """The workers that provisioned settings are for; each scope overrides those before it."""

    FARM = "farm"
    PLATFORM = "platform"
    TAG = "tag"
    WORKER = "worker"


class ProvisionRow(Base):
    """Settings that workers get from the manager instead of from their own files."""

    __tablename__ = "provisions"

    scope: Mapped[ProvisionScope] = mapped_column(Word(ProvisionScope), primary_key=True)
    target: Mapped[str] = mapped_column(String(255), primary_key=True)
    """The platform, or the id of the tag or worker; empty for the farm."""
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)
    updated: Mapped[datetime] = mapped_column(UtcDateTime)


class HttpRunState(StrEnum):
    OFFERED = "offered"
    """The run's activity waits; the worker has not got the task yet."""
    RUNNING = "running"
    ENDED = "ended"
    """The outcome is known, and is kept until the run is settled."""


class HttpRunRow(Base):
    """A run of a task by an HTTP worker; a host keeps the same facts on its own disk."""

    __tablename__ = "http_runs"
    __table_args__ = (Index("ix_http_runs_worker_id_state", "worker_id", "state"),)

    key: Mapped[str] = mapped_column(String(100), primary_key=True)
    """`str(RunKey)`."""
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), index=True)
    task_id: Mapped[str] = mapped_column(String(36), index=True)
    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"))
    session: Mapped[int]
    lease_id: Mapped[str] = mapped_column(String(36))
    slot: Mapped[int]
    generation: Mapped[int]
    workflow_run_id: Mapped[str] = mapped_column(String(36))
    """With `activity_id`, identifies the newest attached activity; empty if none waits."""
    activity_id: Mapped[str] = mapped_column(String(255))
    state: Mapped[HttpRunState] = mapped_column(Word(HttpRunState))
    outcome: Mapped[str] = mapped_column(String(16), default="")
    """The `messages.OutcomeKind` of an ended run."""
    reason: Mapped[str] = mapped_column(FreeText, default="")
    findings: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    """`fault`, `rule` and `warnings` of the `messages.Outcome` of an ended run."""
    stop_reason: Mapped[str] = mapped_column(FreeText, default="")
    """Why the worker must stop this run; empty if it may go on."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    touched: Mapped[datetime] = mapped_column(UtcDateTime)
    """When the worker got this run, or last said something about its task."""
    reported: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the worker first got this run, or last reported on it. Its question whether it may go on
    does not count: it asks this also while its program hangs.
    """
    handed_out: Mapped[int] = mapped_column(default=0, server_default="0")
    """How often the worker got this run as the answer to its request for a task."""


class LeaseState(StrEnum):
    OFFERED = "offered"
    """The lease is written, but the workflow has not confirmed it yet, so `lend` is resent."""
    HELD = "held"
    RETURNED = "returned"


class LeaseRow(Base):
    """Worker W, slot S, works for run R of job J until recalled."""

    __tablename__ = "leases"
    __table_args__ = (
        # The database guarantees that a slot is lent to one job at a time.
        Index(
            "uq_leases_open_worker_id_slot",
            "worker_id",
            "slot",
            unique=True,
            sqlite_where=text("state <> 'returned'"),
            postgresql_where=text("state <> 'returned'"),
        ),
        Index("ix_leases_job_id_state", "job_id", "state"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"))
    session: Mapped[int]
    slot: Mapped[int]
    generation: Mapped[int]
    """Grows with each lease of this slot; see `WorkerSlotRow`."""
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"))
    run: Mapped[int]
    state: Mapped[LeaseState] = mapped_column(Word(LeaseState), index=True)
    recall: Mapped[str] = mapped_column(String(16), default="")
    """Empty, `after-task` or `at-once`."""
    epoch: Mapped[int]
    changed: Mapped[datetime] = mapped_column(UtcDateTime)
    task_types: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """The task types of the worker when it was lent; null in leases of an older build."""


class WorkerSlotRow(Base):
    """The newest generation of a slot, which is kept when the leases of deleted jobs are not."""

    __tablename__ = "worker_slots"

    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"), primary_key=True)
    slot: Mapped[int] = mapped_column(primary_key=True)
    generation: Mapped[int]


class HandBackRow(Base):
    """A worker that a job handed back: skipped until the job's demand version changes (rule 2)."""

    __tablename__ = "hand_backs"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    worker_id: Mapped[str] = mapped_column(ForeignKey("workers.id"), primary_key=True)
    demand_version: Mapped[int]


class EventRow(Base):
    """An event for clients, written in the transaction of the change that it reports."""

    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)  # an id is never used twice

    # Thirty events a second are 2^31 in two years, and each restore of a backup leaves many out.
    id: Mapped[int] = mapped_column(
        BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    )
    topic: Mapped[str] = mapped_column(String(255))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class FarmRow(Base):
    """The facts about the farm as a whole, in the table's only row."""

    __tablename__ = "farm"

    id: Mapped[int] = mapped_column(primary_key=True)
    keeper_epoch: Mapped[int] = mapped_column(default=0)
    """The database refuses leases of an older keeper (rule 17)."""
    last_rendered_job_id: Mapped[str | None] = mapped_column(String(36))
    mark: Mapped[int] = mapped_column(default=0, server_default="0")
    """Grows while managers live, and is noted outside the database, too (`keeper.restores`)."""
    restored: Mapped[int] = mapped_column(default=0, server_default="0")
    """The number of the database's last restore; 0 if it was never restored."""


class ManagerRow(Base):
    """A manager that runs, or was killed not long ago."""

    __tablename__ = "managers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """Of the process: each start makes another."""
    name: Mapped[str] = mapped_column(String(255))
    """The name of its machine."""
    version: Mapped[str] = mapped_column(String(255))
    started: Mapped[datetime] = mapped_column(UtcDateTime)
    seen: Mapped[datetime] = mapped_column(UtcDateTime)


class SavedViewRow(Base):
    """A saved view: the query of one of the dashboard's pages."""

    __tablename__ = "saved_views"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    page: Mapped[str] = mapped_column(String(32))
    """`jobs` or `workers`."""
    name: Mapped[str] = mapped_column(String(255))
    query: Mapped[str] = mapped_column(Text)
    """The query as in the page's address, without the question mark."""
    is_shared: Mapped[bool]
    owner: Mapped[str] = mapped_column(String(255))
    """The account that saved the view; of a caller without an account, the browser. Only the owner
    sees and changes a view that is not shared."""
    updated: Mapped[datetime] = mapped_column(UtcDateTime)


class CommentRow(Base):
    """A comment of a person or a program on a job or on a worker."""

    __tablename__ = "comments"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    job_id: Mapped[str | None] = mapped_column(
        ForeignKey("jobs.id", ondelete="CASCADE"), index=True
    )
    worker_id: Mapped[str | None] = mapped_column(ForeignKey("workers.id"), index=True)
    """A comment has a job or a worker, and not both."""
    author_id: Mapped[str] = mapped_column(String(36))
    """The account that wrote it; empty for callers without an account."""
    author: Mapped[str] = mapped_column(String(255))
    """The author's name when the comment was written; kept when the account is deleted."""
    text: Mapped[str] = mapped_column(FreeText)
    """Markdown."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    edited: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AccountRow(Base):
    """A person or a service that may call the manager."""

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    """In lower case."""
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    """`person` or `service`."""
    role: Mapped[Role] = mapped_column(Word(Role))
    password_hash: Mapped[str | None] = mapped_column(String(255))
    """Argon2id; null if nobody can log in with a password."""
    issuer: Mapped[str | None] = mapped_column(String(512))
    """The OpenID provider that this person logs in with; null: none."""
    subject: Mapped[str | None] = mapped_column(String(255))
    """What that provider calls the person, for ever."""
    is_disabled: Mapped[bool] = mapped_column(default=False)
    has_lost_role: Mapped[bool] = mapped_column(default=False, server_default=false())
    """Whether the person's groups at the provider gave it no role at its last try to log in."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    last_login: Mapped[datetime | None] = mapped_column(UtcDateTime)
    email: Mapped[str | None] = mapped_column(String(254))
    """Where notifications go; null: the person has named no address."""

    __table_args__ = (Index("ix_accounts_issuer_subject", "issuer", "subject", unique=True),)


class SessionRow(Base):
    """A login of a browser, until it is ended or expires."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    """The digest of what is in the cookie, as `manager_api.access.secrets.digest` makes it."""
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    """Null: the manager's own user, who logged in with a link from its terminal."""
    address: Mapped[str] = mapped_column(String(255))
    agent: Mapped[str] = mapped_column(FreeText)
    """The browser's description of itself."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    last_used: Mapped[datetime] = mapped_column(UtcDateTime)
    """Stored once a minute at most."""
    expires: Mapped[datetime] = mapped_column(UtcDateTime)
    provider_session: Mapped[str | None] = mapped_column(String(255), index=True)
    """What the OpenID provider calls its own session; null without one."""
    sealed_id_token: Mapped[str | None] = mapped_column(Text)
    """The provider's ID token, which only the session's cookie opens (`manager_api.oidc.seal`)."""


class BegunLoginRow(Base):
    """A login that has gone to the OpenID provider, and has not come back."""

    __tablename__ = "begun_logins"

    state_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The digest of what the provider sends back."""
    browser_hash: Mapped[str] = mapped_column(String(64))
    """The digest of the cookie of the browser that has begun."""
    issuer: Mapped[str] = mapped_column(String(512))
    redirect_uri: Mapped[str] = mapped_column(Text)
    wanted: Mapped[str] = mapped_column(Text)
    """The path in the dashboard to go to afterwards."""
    address: Mapped[str] = mapped_column(String(255))
    """The client's, as addresses are counted."""
    begun: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class SeenLogoutRow(Base):
    """A logout token of the OpenID provider that has done its work, and may not come again."""

    __tablename__ = "seen_logouts"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    """The digest of its issuer and id."""
    expires: Mapped[datetime] = mapped_column(UtcDateTime)


class TokenRow(Base):
    """A token of an account, for programs."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    account_id: Mapped[str] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str] = mapped_column(String(255))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    """Words of `workflows.domain.access.Permission`."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_used: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """Stored once a minute at most."""


class JoinTokenRow(Base):
    """A token with which workers register and need not wait to be let in."""

    __tablename__ = "join_tokens"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    tag_ids: Mapped[list[str]] = mapped_column(JSON)
    """The tags that such workers get."""
    uses_left: Mapped[int]
    created: Mapped[datetime] = mapped_column(UtcDateTime)
    expires: Mapped[datetime] = mapped_column(UtcDateTime)


class AuditRow(Base):
    """An entry of the audit. Entries are only added, and removed when they are old."""

    __tablename__ = "audit"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    happened: Mapped[datetime] = mapped_column(UtcDateTime, index=True)
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    account_id: Mapped[str] = mapped_column(String(36))
    """Empty for callers without an account. Kept when the account is deleted."""
    name: Mapped[str] = mapped_column(String(255))
    via: Mapped[Via] = mapped_column(Word(Via))
    address: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(64))
    """The operation's id, or a word such as `login`."""
    target: Mapped[str] = mapped_column(FreeText)
    """What the action was on: the ids in the request's path."""
    target_name: Mapped[str | None] = mapped_column(FreeText)
    """What that was called then; empty if it has no name. Kept when the target is deleted."""
    before: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    outcome: Mapped[str] = mapped_column(String(255))
    """`done`, or why it was not done."""
    times: Mapped[int] = mapped_column(default=1)
    """How often, for refusals, which are counted."""


class HappeningRow(Base):
    """What people may want to be told, stored in the transaction in which it happens."""

    __tablename__ = "happenings"
    __table_args__ = ({"sqlite_autoincrement": True},)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(String(255), unique=True)
    """What makes it one: a second row with the same key is not stored."""
    kind: Mapped[HappeningKind] = mapped_column(Word(HappeningKind))
    facts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """As `manager_api.database.happenings` writes them."""
    happened: Mapped[datetime] = mapped_column(UtcDateTime)
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    """When its deliveries and its event were stored; null: not yet."""


class NotificationRuleRow(Base):
    """What is told, to whom, by which way: a webhook of the farm, or the e-mail of a person."""

    __tablename__ = "notification_rules"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    way: Mapped[Way] = mapped_column(Word(Way))
    account_id: Mapped[str | None] = mapped_column(
        ForeignKey("accounts.id", ondelete="CASCADE"), index=True
    )
    """The person; null for the farm's webhooks."""
    name: Mapped[str] = mapped_column(String(255), default="")
    kinds: Mapped[list[str]] = mapped_column(JSON)
    """Words of `workflows.domain.notifications.Kind`."""
    scope: Mapped[Scope] = mapped_column(Word(Scope))
    value: Mapped[str] = mapped_column(FreeText, default="")
    """A project's name, or the id of a tag or a job."""
    address: Mapped[str] = mapped_column(FreeText, default="")
    """A webhook's address, which often holds a secret."""
    secret: Mapped[str] = mapped_column(String(255), default="")
    """What a webhook's messages are signed with."""
    shape: Mapped[Shape] = mapped_column(Word(Shape), default=Shape.PLAIN)
    is_enabled: Mapped[bool] = mapped_column(default=True)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When the first try failed after the last one that did not."""
    trouble: Mapped[str] = mapped_column(FreeText, default="")
    """Why the last try failed, or why the manager has disabled it; empty if all is well."""
    created: Mapped[datetime] = mapped_column(UtcDateTime)


class DeliveryRow(Base):
    """One message by one way."""

    __tablename__ = "deliveries"
    __table_args__ = (
        Index("ix_deliveries_state_next_try", "state", "next_try"),
        Index("ix_deliveries_rule_id_created", "rule_id", "created"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    """`msg_` and 32 hexadecimal digits: the same at each try, so that receivers know repeats."""
    rule_id: Mapped[str] = mapped_column(ForeignKey("notification_rules.id", ondelete="CASCADE"))
    message: Mapped[dict[str, Any]] = mapped_column(JSON)
    """A `workflows.domain.notifications.Message`."""
    state: Mapped[DeliveryState] = mapped_column(Word(DeliveryState))
    tries: Mapped[int] = mapped_column(default=0)
    next_try: Mapped[datetime] = mapped_column(UtcDateTime)
    """Also the end of a manager's claim on it: no other manager tries it before."""
    give_up_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class DeliveryTryRow(Base):
    __tablename__ = "delivery_tries"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    delivery_id: Mapped[str] = mapped_column(
        ForeignKey("deliveries.id", ondelete="CASCADE"), index=True
    )
    happened: Mapped[datetime] = mapped_column(UtcDateTime)
    status: Mapped[int | None]
    """The status of the answer; null without one."""
    sentence: Mapped[str] = mapped_column(FreeText)
    answer: Mapped[str] = mapped_column(FreeText, default="")
    """The beginning of the answer."""


class HistoryRow(Base):
    """Tries of tasks that ended in an hour, and the time that all tries took in it.

    Rows outlive jobs, workers and tags.
    """

    __tablename__ = "farm_hours"
    __table_args__ = ({"sqlite_with_rowid": False},)  # read by ranges of hours

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    """The hour's beginning."""
    project: Mapped[str] = mapped_column(FreeText, primary_key=True)
    person: Mapped[str] = mapped_column(FreeText, primary_key=True)
    """The job's user."""
    worker_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    tag: Mapped[str] = mapped_column(FreeText, primary_key=True)
    """The name of the tag that the job asked for."""
    completed: Mapped[int] = mapped_column(BigInteger)
    failed: Mapped[int] = mapped_column(BigInteger)
    interrupted: Mapped[int] = mapped_column(BigInteger)
    """Tries that neither completed nor failed."""
    frames: Mapped[int] = mapped_column(BigInteger)
    busy_ms: Mapped[int] = mapped_column(BigInteger)
    lost_ms: Mapped[int] = mapped_column(BigInteger)
    """The part of `busy_ms` of the tries that did not complete."""


class HistoryCauseRow(Base):
    """How many tries failed in an hour for a cause."""

    __tablename__ = "farm_hour_causes"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    cause: Mapped[str] = mapped_column(FreeText, primary_key=True)
    failed: Mapped[int] = mapped_column(BigInteger)


class HistorySampleRow(Base):
    """The farm in an hour, as the keeper saw it each few minutes: sums, and how often it looked."""

    __tablename__ = "farm_hour_samples"

    hour: Mapped[datetime] = mapped_column(UtcDateTime, primary_key=True)
    samples: Mapped[int] = mapped_column(default=0)
    slots: Mapped[int] = mapped_column(BigInteger, default=0)
    """Of workers that are awake."""
    ready: Mapped[int] = mapped_column(BigInteger, default=0)
    """Tasks that could have started, if workers had been free."""
    waiting: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    """Of these the ones that found no worker, by `workflows.domain.shortages.Cause`."""
