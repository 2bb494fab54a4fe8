"""What plugins keep between runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0003"
down_revision = "0002"

_journal: JournalTables = context.config.attributes["journal"]


def upgrade() -> None:
    """One more table."""
    op.create_table(
        f"{_journal.prefix}states",
        sa.Column("plugin", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("task", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        schema=_journal.schema,
        sqlite_with_rowid=False,
    )
