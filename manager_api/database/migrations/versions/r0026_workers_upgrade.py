"""Columns: whether a worker's host can be upgraded by the farm, and how far its upgrade is"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "workers",
        sa.Column("can_upgrade", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("workers", sa.Column("upgrade", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "upgrade")
    op.drop_column("workers", "can_upgrade")
