"""Plugins switched on, off, or into shadow for a task."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0005"
down_revision = "0004"

_journal: JournalTables = context.config.attributes["journal"]


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        f"{_journal.prefix}switches",
        sa.Column(
            "switch_no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("plugin", sa.Text, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text, nullable=False),
        schema=_journal.schema,
        sqlite_autoincrement=True,
    )
