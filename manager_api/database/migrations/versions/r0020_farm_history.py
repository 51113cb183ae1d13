"""Tables of the farm's history, filled from the tasks of the last 90 days"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_FILLED = timedelta(days=90)
_LONGEST = timedelta(days=31)
_HOUR = timedelta(hours=1)
_MILLISECOND = timedelta(milliseconds=1)
_AT_ONCE = 1000
_FIGURES = ("completed", "failed", "interrupted", "frames", "busy_ms", "lost_ms")

_jobs = sa.table(
    "jobs",
    sa.column("id", sa.String),
    sa.column("metadata", sa.JSON),
    sa.column("worker_tag_id", sa.String),
)
_tasks = sa.table(
    "tasks",
    sa.column("job_id", sa.String),
    sa.column("status", sa.String),
    sa.column("task_type", sa.String),
    sa.column("steps_total", sa.Integer),
    sa.column("worker_id", sa.String),
    sa.column("started_at", sa.DateTime(timezone=True)),
    sa.column("ended_at", sa.DateTime(timezone=True)),
)
_tags = sa.table("worker_tags", sa.column("id", sa.String), sa.column("name", sa.String))


def upgrade() -> None:
    hours = op.create_table(
        "farm_hours",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("project", sa.Text(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("worker_id", sa.String(36), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _FIGURES),
        sa.PrimaryKeyConstraint(
            "hour", "project", "person", "worker_id", "tag", name=op.f("pk_farm_hours")
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "farm_hour_causes",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "cause", name=op.f("pk_farm_hour_causes")),
    )
    op.create_table(
        "farm_hour_samples",
        sa.Column("hour", sa.DateTime(timezone=True), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column("slots", sa.BigInteger(), nullable=False),
        sa.Column("ready", sa.BigInteger(), nullable=False),
        sa.Column("waiting", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("hour", name=op.f("pk_farm_hour_samples")),
    )
    _fill(hours)


def downgrade() -> None:
    op.drop_table("farm_hour_samples")
    op.drop_table("farm_hour_causes")
    op.drop_table("farm_hours")


def _fill(hours: sa.Table) -> None:
    """Count the newest try of each task that has ended; older tries have left no times."""
    rows: defaultdict[tuple[object, ...], list[int]] = defaultdict(lambda: [0] * len(_FIGURES))
    keys = _keys_of_jobs()
    newest = sa.select(
        _tasks.c.job_id,
        _tasks.c.status,
        _tasks.c.task_type,
        _tasks.c.steps_total,
        _tasks.c.worker_id,
        _tasks.c.started_at,
        _tasks.c.ended_at,
    ).where(
        _tasks.c.started_at.is_not(None),
        _tasks.c.ended_at > datetime.now(UTC).replace(tzinfo=None) - _FILLED
        if op.get_bind().dialect.name == "sqlite"
        else _tasks.c.ended_at > datetime.now(UTC) - _FILLED,
    )
    for task in op.get_bind().execute(newest):
        project, person, tag = keys.get(task.job_id, ("", "", ""))
        start, end = _in_utc(task.started_at), _in_utc(task.ended_at)
        is_done, has_failed = task.status == "completed", task.status in ("failed", "soft-failed")
        frames = task.steps_total if is_done and task.task_type == "blender" else 0
        ended = (int(is_done), int(has_failed), int(not is_done and not has_failed), frames)
        key = (project, person, task.worker_id or "", tag)
        row = rows[_hour_of(end), *key]
        row[:4] = (a + b for a, b in zip(row, ended, strict=False))
        for hour, milliseconds in _shares(start, end):
            row = rows[hour, *key]
            row[4] += milliseconds
            row[5] += 0 if is_done else milliseconds
    names = ("hour", "project", "person", "worker_id", "tag", *_FIGURES)
    values = [dict(zip(names, (*key, *row), strict=True)) for key, row in rows.items()]
    for first in range(0, len(values), _AT_ONCE):
        op.bulk_insert(hours, values[first : first + _AT_ONCE])


def _keys_of_jobs() -> dict[str, tuple[str, str, str]]:
    """Return project, user and tag of each job."""
    query = sa.select(_jobs.c.id, _jobs.c.metadata, _tags.c.name).select_from(
        _jobs.outerjoin(_tags, _tags.c.id == _jobs.c.worker_tag_id)
    )
    found = {}
    for job_id, metadata, tag in op.get_bind().execute(query):
        told = metadata or {}
        project, person = (str(told.get(key, ""))[:255] for key in ("project", "user.name"))
        found[job_id] = (project, person, tag or "")
    return found


def _in_utc(at: datetime) -> datetime:
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)


def _shares(start: datetime, end: datetime) -> Iterator[tuple[datetime, int]]:
    start = max(start, end - _LONGEST)
    while start < end:
        until = min(_hour_of(start) + _HOUR, end)
        yield _hour_of(start), (until - start) // _MILLISECOND
        start = until
