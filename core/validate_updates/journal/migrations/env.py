"""Run by alembic: the migrations of one journal, on the connection and in the transaction that ``upgrade`` opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alembic import context  # noqa: TID253  # alembic is what runs this file

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

journal: JournalTables = context.config.attributes["journal"]
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=journal.metadata,
    version_table=journal.version.name,
    version_table_schema=journal.schema,
)
with context.begin_transaction():
    context.run_migrations()
