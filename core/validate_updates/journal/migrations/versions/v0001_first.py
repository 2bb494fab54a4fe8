"""The tables of the first release.

A migration is history: it spells the tables out as they were then and never follows later changes of ``tables.py``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0001"
down_revision = None

_journal: JournalTables = context.config.attributes["journal"]
_prefix, _schema = _journal.prefix, _journal.schema
_moment = sa.DateTime(timezone=True)
_counter = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make everything."""
    _logs()
    _batches_and_metrics()
    _findings()
    _quarantine()
    _undo()


def _logs() -> None:
    op.create_table(
        f"{_prefix}logs",
        sa.Column("run_no", _counter, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("parent_run_id", sa.Text),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("task", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("key_columns", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("error_code", sa.Text),
        sa.Column("dry_run", sa.Boolean, nullable=False),
        sa.Column("started_at", _moment, nullable=False),
        sa.Column("finished_at", _moment),
        sa.Column("seconds", sa.Double),
        sa.Column("strategy", sa.Text, nullable=False),
        sa.Column("publish", sa.Text),
        sa.Column("plugins", sa.Text, nullable=False),
        sa.Column("tool_version", sa.Text, nullable=False),
        sa.Column("read", sa.BigInteger, nullable=False),
        sa.Column("inserted", sa.BigInteger, nullable=False),
        sa.Column("updated", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("duplicates", sa.BigInteger, nullable=False),
        sa.Column("quarantined", sa.BigInteger, nullable=False),
        sa.Column("rolled_back", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.BigInteger, nullable=False),
        sa.Column("rows_before", sa.BigInteger),
        sa.Column("rows_after", sa.BigInteger),
        sa.Column("timings", sa.Text, nullable=False),
        sa.Column("judged", sa.Text, nullable=False),
        sa.Column("backup", sa.Text),
        sa.Column("label", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("label_until", _moment),
        schema=_schema,
        sqlite_autoincrement=True,
    )
    op.create_index(f"{_prefix}logs_run_id", f"{_prefix}logs", ["run_id"], unique=True, schema=_schema)
    op.create_index(f"{_prefix}logs_task", f"{_prefix}logs", ["task", "run_no"], schema=_schema)


def _batches_and_metrics() -> None:
    op.create_table(
        f"{_prefix}batches",
        sa.Column("run_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("batch_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("applied", sa.BigInteger, nullable=False),
        sa.Column("quarantined", sa.BigInteger, nullable=False),
        sa.Column("unchanged", sa.BigInteger, nullable=False),
        sa.Column("payload_sha256", sa.Text),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("committed_at", _moment),
        sa.Column("first_key", sa.Text),
        sa.Column("last_key", sa.Text),
        schema=_schema,
        sqlite_with_rowid=False,
    )
    op.create_table(
        f"{_prefix}metrics",
        sa.Column("run_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("name", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("value", sa.Double, nullable=False),
        schema=_schema,
        sqlite_with_rowid=False,
    )


def _findings() -> None:
    op.create_table(
        f"{_prefix}findings",
        sa.Column("run_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("finding_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("severity", sa.Text, nullable=False),
        sa.Column("decides", sa.Boolean, nullable=False),
        sa.Column("mode", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("hint", sa.Text, nullable=False),
        sa.Column("table_name", sa.Text),
        sa.Column("record_key", sa.Text),
        sa.Column("column_name", sa.Text),
        sa.Column("batch_no", sa.BigInteger),
        sa.Column("metric", sa.Text),
        sa.Column("observed", sa.Text),
        sa.Column("expected", sa.Text),
        sa.Column("runs", sa.Text, nullable=False),
        sa.Column("samples", sa.Text, nullable=False),
        sa.Column("plugin", sa.Text, nullable=False),
        sa.Column("validator", sa.Text, nullable=False),
        sa.Column("moment", sa.Text, nullable=False),
        schema=_schema,
    )


def _quarantine() -> None:
    name = f"{_prefix}quarantine"
    op.create_table(
        name,
        sa.Column("entry_no", _counter, primary_key=True, autoincrement=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("batch_no", sa.BigInteger),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("record_key", sa.Text),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("code", sa.Text, nullable=False),
        sa.Column("column_name", sa.Text),
        sa.Column("rule", sa.Text),
        sa.Column("constraint_name", sa.Text),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("file_name", sa.Text),
        sa.Column("line_no", sa.BigInteger),
        sa.Column("byte_offset", sa.BigInteger),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("created_at", _moment, nullable=False),
        sa.Column("closed_at", _moment),
        sa.Column("closed_by", sa.Text),
        sa.Column("note", sa.Text),
        schema=_schema,
        sqlite_autoincrement=True,
    )
    op.create_index(f"{name}_run", name, ["run_id"], schema=_schema)
    op.create_index(f"{name}_record", name, ["table_name", "state", "record_key"], schema=_schema)


def _undo() -> None:
    op.create_table(
        f"{_prefix}undo",
        sa.Column("run_id", sa.Text, primary_key=True, autoincrement=False),
        sa.Column("batch_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("undo_no", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("before_image", sa.Text),
        sa.Column("after_image", sa.Text),
        schema=_schema,
    )
