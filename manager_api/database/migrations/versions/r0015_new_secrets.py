"""Columns: new secrets of workers that are not used yet, and the hash that seals task tokens"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("workers", sa.Column("new_secret_hashes", sa.JSON(), nullable=True))
    op.add_column("workers", sa.Column("first_secret_hash", sa.String(255), nullable=True))


def downgrade() -> None:
    op.drop_column("workers", "first_secret_hash")
    op.drop_column("workers", "new_secret_hashes")
