"""Columns: how many tasks of a job have each status, and the time of its frames"""

from collections import defaultdict
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

_JOBS = sa.table(
    "jobs",
    sa.column("id", sa.String()),
    sa.column("task_counts", sa.JSON()),
    sa.column("render_ms", sa.BigInteger()),
    sa.column("render_steps", sa.Integer()),
)
_COUNTED = sa.text("SELECT job_id, status, count(*) FROM tasks GROUP BY job_id, status")
_MILLISECONDS = {
    "sqlite": "(julianday(ended_at) - julianday(started_at)) * 86400000",
    "postgresql": "extract(epoch FROM ended_at - started_at) * 1000",
}


def upgrade() -> None:
    op.add_column("jobs", sa.Column("task_counts", sa.JSON(none_as_null=True), nullable=True))
    op.add_column(
        "jobs", sa.Column("render_ms", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.add_column(
        "jobs", sa.Column("render_steps", sa.Integer(), nullable=False, server_default="0")
    )
    _count_tasks()
    _sum_times()


def _count_tasks() -> None:
    connection = op.get_bind()
    counts: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for job_id, status, count in connection.execute(_COUNTED):
        counts[job_id][status] = count
    of_job = sa.update(_JOBS).where(_JOBS.c.id == sa.bindparam("job"))
    rows = [{"job": job_id, "counts": each} for job_id, each in counts.items()]
    if rows:
        connection.execute(of_job.values(task_counts=sa.bindparam("counts")), rows)


def _sum_times() -> None:
    connection = op.get_bind()
    took = _MILLISECONDS[connection.dialect.name]
    found = connection.execute(
        sa.text(
            f"SELECT job_id, sum({took}), sum(steps_total) FROM tasks"
            " WHERE status = 'completed' AND depends_on = '' AND started_at IS NOT NULL"
            " AND ended_at IS NOT NULL AND steps_total > 0 GROUP BY job_id"
        )
    )
    rows = [
        {"job": job_id, "ms": max(0, round(sum_ms)), "steps": int(steps)}
        for job_id, sum_ms, steps in found
    ]
    times: dict[str, Any] = {
        "render_ms": sa.bindparam("ms"),
        "render_steps": sa.bindparam("steps"),
    }
    of_job = sa.update(_JOBS).where(_JOBS.c.id == sa.bindparam("job"))
    if rows:
        connection.execute(of_job.values(times), rows)


def downgrade() -> None:
    op.drop_column("jobs", "render_steps")
    op.drop_column("jobs", "render_ms")
    op.drop_column("jobs", "task_counts")
