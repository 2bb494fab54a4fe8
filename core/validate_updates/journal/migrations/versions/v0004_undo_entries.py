"""Entries of the undo log are told by one number; on PostgreSQL their images are arrays.

The entries are numbered anew, in the order in which they were made: ``run_no * 2**40`` and on from there for the
layouts, from 4096 further for the changes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from alembic import context, op  # noqa: TID253  # alembic is what runs this file
from sqlalchemy.dialects import postgresql

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

revision = "0004"
down_revision = "0003"

_journal: JournalTables = context.config.attributes["journal"]
_prefix, _schema = _journal.prefix, _journal.schema
_image = sa.Text().with_variant(postgresql.ARRAY(sa.Text), "postgresql")


def upgrade() -> None:
    """Make the table anew, with what is in the old one."""
    conn = op.get_bind()
    is_sqlite, name = conn.dialect.name == "sqlite", f"{_prefix}undo"
    cells: list[str] = []
    if is_sqlite:
        present = [row[1] for row in conn.exec_driver_sql(f'PRAGMA table_info("{name}")')]
        cells = [cell for cell in present if cell[0] in "ba" and cell[1:].isdigit()]
    place, more = f'"{_schema}".' if _schema else "", "".join(f", {cell}" for cell in cells)
    images = "u.before_image, u.after_image" if is_sqlite else _ARRAYS
    # Names of our own alone: the prefix is a plain word, the schema was found in the database, cells are b0, a0, ….
    conn.exec_driver_sql(
        "CREATE TEMPORARY TABLE vu_undo_moved AS"  # noqa: S608
        " SELECT l.run_no * 1099511627776 + CASE u.action WHEN 'L' THEN u.undo_no ELSE 4096 +"
        "  row_number() OVER (PARTITION BY u.run_id, u.action = 'L' ORDER BY u.batch_no, u.undo_no) END AS entry_no,"
        f" u.batch_no, u.table_name, u.action, {images}{more}"
        f" FROM {place}{name} u JOIN {place}{_prefix}logs l ON l.run_id = u.run_id"
    )
    op.drop_table(name, schema=_schema)
    op.create_table(
        name,
        sa.Column(
            "entry_no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False
        ),
        sa.Column("batch_no", sa.BigInteger, nullable=False),
        sa.Column("table_name", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("before_image", _image),
        sa.Column("after_image", _image),
        *(sa.Column(cell, _Untyped()) for cell in cells),
        schema=_schema,
    )
    conn.exec_driver_sql(f"INSERT INTO {place}{name} SELECT * FROM vu_undo_moved ORDER BY entry_no")  # noqa: S608
    conn.exec_driver_sql("DROP TABLE vu_undo_moved")


_ARRAYS = (
    "CASE u.action WHEN 'L' THEN"
    " (SELECT array_agg(n.name ORDER BY n.at) FROM json_array_elements_text(u.before_image::json)"
    "  WITH ORDINALITY n (name, at))"
    " ELSE u.before_image::text[] END AS before_image, u.after_image::text[] AS after_image"
)


class _Untyped(sa.types.UserDefinedType[None]):
    """No type at all: SQLite keeps every value as it is."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return ""
