"""Alembic's entry point. The connection comes from `manager_api.database.migrate`."""

from alembic import context

from manager_api.database.tables import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    # SQLite alters a table by copying it.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
