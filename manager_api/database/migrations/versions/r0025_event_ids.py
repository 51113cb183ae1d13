"""Column: ids of events have 64 bits on PostgreSQL, as they have on SQLite"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _become(sa.Integer(), sa.BigInteger())


def downgrade() -> None:
    _become(sa.BigInteger(), sa.Integer())


def _become(before: sa.Integer, after: sa.Integer) -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.alter_column("events", "id", existing_type=before, type_=after)
    name = "bigint" if isinstance(after, sa.BigInteger) else "integer"
    op.execute(f"ALTER SEQUENCE events_id_seq AS {name}")
