"""Tables: saved views; archived jobs; how long tasks took; the history of jobs"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "jobs",
        sa.Column("is_archiving", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("jobs", sa.Column("statistics", sa.JSON(none_as_null=True), nullable=True))
    op.create_index(
        "ix_jobs_is_archiving",
        "jobs",
        ["is_archiving"],
        unique=False,
        sqlite_where=sa.text("is_archiving"),
        postgresql_where=sa.text("is_archiving"),
    )
    op.create_table(
        "saved_views",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("page", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("updated", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
    )
    for moment in ("started_at", "ended_at"):
        op.add_column("tasks", sa.Column(moment, sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "job_history",
        # SQLite numbers rows by itself only in a column of this type.
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("happened", sa.DateTime(timezone=True), nullable=False),
        sa.Column("task_index", sa.Integer(), nullable=True),
        sa.Column("worker_id", sa.String(length=36), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_job_history_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job_history")),
    )
    op.create_index(op.f("ix_job_history_job_id"), "job_history", ["job_id"], unique=False)


def downgrade() -> None:
    op.drop_table("job_history")
    op.drop_column("tasks", "ended_at")
    op.drop_column("tasks", "started_at")
    op.drop_table("saved_views")
    op.drop_index("ix_jobs_is_archiving", table_name="jobs")
    op.drop_column("jobs", "statistics")
    op.drop_column("jobs", "is_archiving")
    op.drop_column("jobs", "archived_at")
