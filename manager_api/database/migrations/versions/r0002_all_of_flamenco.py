"""Tables: sleep schedules, provisioned settings, runs of HTTP workers"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for flag in ("is_http", "is_paused"):
        op.add_column(
            "workers", sa.Column(flag, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.add_column("workers", sa.Column("polls_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "workers",
        sa.Column("is_provisioned", sa.Boolean(), nullable=False, server_default=sa.true()),
    )
    op.add_column("leases", sa.Column("task_types", sa.JSON(none_as_null=True), nullable=True))
    op.create_index(
        "ix_jobs_delete_requested_at",
        "jobs",
        ["delete_requested_at"],
        unique=False,
        sqlite_where=sa.text("delete_requested_at IS NOT NULL"),
        postgresql_where=sa.text("delete_requested_at IS NOT NULL"),
    )
    op.create_table(
        "sleep_schedules",
        sa.Column("worker_id", sa.String(length=36), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("days_of_week", sa.String(length=255), nullable=False),
        sa.Column("start_time", sa.String(length=16), nullable=False),
        sa.Column("end_time", sa.String(length=16), nullable=False),
        sa.Column("next_check", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["worker_id"],
            ["workers.id"],
            name=op.f("fk_sleep_schedules_worker_id_workers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("worker_id", name=op.f("pk_sleep_schedules")),
    )
    op.create_table(
        "provisions",
        sa.Column("scope", sa.String(length=32), nullable=False),
        sa.Column("target", sa.String(length=255), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("scope", "target", name=op.f("pk_provisions")),
    )
    op.create_table(
        "http_runs",
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("task_id", sa.String(length=36), nullable=False),
        sa.Column("worker_id", sa.String(length=36), nullable=False),
        sa.Column("session", sa.Integer(), nullable=False),
        sa.Column("lease_id", sa.String(length=36), nullable=False),
        sa.Column("slot", sa.Integer(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("workflow_run_id", sa.String(length=36), nullable=False),
        sa.Column("activity_id", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("stop_reason", sa.Text(), nullable=False),
        sa.Column("created", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_http_runs_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["workers.id"], name=op.f("fk_http_runs_worker_id_workers")
        ),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_http_runs")),
    )
    op.create_index(op.f("ix_http_runs_job_id"), "http_runs", ["job_id"], unique=False)
    op.create_index(op.f("ix_http_runs_task_id"), "http_runs", ["task_id"], unique=False)
    op.create_index(
        "ix_http_runs_worker_id_state", "http_runs", ["worker_id", "state"], unique=False
    )


def downgrade() -> None:
    op.drop_table("http_runs")
    op.drop_table("provisions")
    op.drop_table("sleep_schedules")
    op.drop_index("ix_jobs_delete_requested_at", table_name="jobs")
    op.drop_column("leases", "task_types")
    op.drop_column("workers", "is_provisioned")
    op.drop_column("workers", "polls_until")
    op.drop_column("workers", "is_paused")
    op.drop_column("workers", "is_http")
