"""Tables of begun logins and seen logouts; columns: a person and a session of an OpenID provider"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("issuer", sa.String(512), nullable=True))
    op.add_column("accounts", sa.Column("subject", sa.String(255), nullable=True))
    op.add_column(
        "accounts",
        sa.Column("has_lost_role", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index("ix_accounts_issuer_subject", "accounts", ["issuer", "subject"], unique=True)
    op.add_column("sessions", sa.Column("provider_session", sa.String(255), nullable=True))
    op.add_column("sessions", sa.Column("sealed_id_token", sa.Text(), nullable=True))
    op.create_index(op.f("ix_sessions_provider_session"), "sessions", ["provider_session"])
    op.create_table(
        "begun_logins",
        sa.Column("state_hash", sa.String(64), nullable=False),
        sa.Column("browser_hash", sa.String(64), nullable=False),
        sa.Column("issuer", sa.String(512), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("address", sa.String(255), nullable=False),
        sa.Column("begun", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("state_hash", name=op.f("pk_begun_logins")),
    )
    op.create_index(op.f("ix_begun_logins_begun"), "begun_logins", ["begun"])
    op.create_table(
        "seen_logouts",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("expires", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_seen_logouts")),
    )


def downgrade() -> None:
    op.drop_table("seen_logouts")
    op.drop_table("begun_logins")
    op.drop_index(op.f("ix_sessions_provider_session"), "sessions")
    op.drop_column("sessions", "sealed_id_token")
    op.drop_column("sessions", "provider_session")
    op.drop_index("ix_accounts_issuer_subject", "accounts")
    op.drop_column("accounts", "has_lost_role")
    op.drop_column("accounts", "subject")
    op.drop_column("accounts", "issuer")
