"""Column: why a worker is set aside"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("set_aside", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "set_aside")
