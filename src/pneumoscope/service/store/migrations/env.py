"""Alembic's environment: runs migrations on the connection that the store has opened, in its transaction."""

from alembic import context

from pneumoscope.service.store.migrations import VERSION_TABLE
from pneumoscope.service.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
with context.begin_transaction():
    context.run_migrations()
