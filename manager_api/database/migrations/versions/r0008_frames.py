"""Columns: which attempts' frames count; where a job's frames go"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "tasks", sa.Column("frames_from", sa.Integer(), nullable=False, server_default="1")
    )
    for name in ("output", "own_output"):
        op.add_column("jobs", sa.Column(name, sa.String(length=64), nullable=True))
    op.create_index("ix_jobs_output", "jobs", ["output"], unique=False)
    op.create_index("ix_jobs_own_output", "jobs", ["own_output"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_jobs_own_output", "jobs")
    op.drop_index("ix_jobs_output", "jobs")
    op.drop_column("jobs", "own_output")
    op.drop_column("jobs", "output")
    op.drop_column("tasks", "frames_from")
