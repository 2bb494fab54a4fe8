"""How far the sources of plugins were read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0002"
down_revision = "0001"

_journal: JournalTables = context.config.attributes["journal"]
_prefix, _schema = _journal.prefix, _journal.schema


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        f"{_prefix}watermarks",
        sa.Column(
            "watermark_no",
            sa.BigInteger().with_variant(sa.Integer, "sqlite"),
            primary_key=True,
            autoincrement=True,
        ),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("watermark", sa.Text, nullable=False),
        sa.Column("kept_at", sa.DateTime(timezone=True), nullable=False),
        schema=_schema,
        sqlite_autoincrement=True,
    )
    op.create_index(f"{_prefix}watermarks_source", f"{_prefix}watermarks", ["task", "source"], schema=_schema)
    op.create_index(f"{_prefix}watermarks_run", f"{_prefix}watermarks", ["run_id"], schema=_schema)
