"""Which column each cell of an image is: one entry of the undo log for each table that a run writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates.targets.names import quoted
from validate_updates.undo.images import AFTER, BEFORE, Spelled, SqliteImages
from validate_updates.undo.numbering import layouts_of, next_layout

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database

PLACE: Final = "place"
"""SQLite's column for the rowid of a row that is updated, by which it is found when it is written out of the log."""
LAYOUT: Final = "L"
"""The action of such an entry. It belongs to no batch: its number is 0."""


def lay_out(
    database: Database,
    connection: sa.Connection,
    tables: JournalTables,
    *,
    run_id: str,
    table: str,
    columns: Sequence[str],
) -> None:
    """Make room for images of a table with these columns, and note their order. The same again does nothing."""
    if database.is_sqlite:
        _widen(connection, tables.undo, len(columns))
    if layout_of(connection, tables, run_id=run_id, table=table) is None:
        layout = {
            "entry_no": next_layout(connection, tables, run_id),
            "batch_no": 0,
            "table_name": table,
            "action": LAYOUT,
            "before_image": json.dumps(list(columns)) if database.is_sqlite else list(columns),
        }
        connection.execute(tables.undo.insert(), layout)


def layout_of(connection: sa.Connection, tables: JournalTables, *, run_id: str, table: str) -> tuple[str, ...] | None:
    """The columns of a table in the order of the images; None where the run wrote nothing to it."""
    undo = tables.undo
    query = sa.select(undo.c.before_image).where(layouts_of(tables, run_id), undo.c.table_name == table)
    names = connection.scalar(query)
    return None if names is None else tuple(json.loads(names) if isinstance(names, str) else names)


def columns_of(connection: sa.Connection, undo: sa.Table) -> Sequence[str]:
    """SQLite: the columns of the undo log, those for cells among them, in the table's own order."""
    return [row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({quoted(undo.name)})")]


def _widen(connection: sa.Connection, undo: sa.Table, width: int) -> None:
    """SQLite: give the undo log a column for each cell. More are added only when a wider table comes along."""
    there = columns_of(connection, undo)
    needed = [PLACE, *(name for kind in (BEFORE, AFTER) for name in SqliteImages().columns(kind, width))]
    missing = [name for name in needed if name not in there]
    if missing and len(there) == len(undo.c):  # as it was made: nothing is in it, and one statement does it
        undo.drop(connection)
        columns = (column._copy() for column in undo.columns)  # noqa: SLF001  # the documented way of Table.to_metadata
        more = (sa.Column(name, Spelled()) for name in missing)
        sa.Table(undo.name, sa.MetaData(), *columns, *more).create(connection)
        return
    for name in missing:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(undo.name)} ADD COLUMN {name}")
