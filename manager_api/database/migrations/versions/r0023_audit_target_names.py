"""Column: what the targets of the audit's entries were called"""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("audit", sa.Column("target_name", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("audit", "target_name")
