"""Columns: since when a task is silent; when an HTTP worker last reported on a run"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("silent_since", sa.DateTime(timezone=True), nullable=True))
    op.add_column("http_runs", sa.Column("reported", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    op.drop_column("http_runs", "reported")
    op.drop_column("tasks", "silent_since")
