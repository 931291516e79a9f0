"""How Alembic reaches the database: by the connection that it is given, in that connection's transaction."""

from __future__ import annotations

from alembic import context

from bot.stores.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    transaction_per_migration=False,
)
context.run_migrations()
