"""Column: how often a run was handed out to its HTTP worker"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    column = sa.Column("handed_out", sa.Integer(), nullable=False, server_default="0")
    op.add_column("http_runs", column)


def downgrade() -> None:
    op.drop_column("http_runs", "handed_out")
