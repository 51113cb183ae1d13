"""Columns: the last stored write of a job, the farm's mark, and the number of the last restore"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("jobs", sa.Column("last_write", sa.String(32), nullable=True))
    op.add_column("farm", sa.Column("mark", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("farm", sa.Column("restored", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("farm", "restored")
    op.drop_column("farm", "mark")
    op.drop_column("jobs", "last_write")
