"""Columns: peak memory of a task's newest attempt"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("tasks", sa.Column("memory_peak", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    op.drop_column("tasks", "memory_peak")
