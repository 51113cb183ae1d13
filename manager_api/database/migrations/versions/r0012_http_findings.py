"""Column: the cause and the warnings of an HTTP worker's run"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("http_runs", sa.Column("findings", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("http_runs", "findings")
