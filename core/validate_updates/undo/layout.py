"""Which column each cell of an image is: one entry of the undo log for each table that a run writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates.targets.names import quoted
from validate_updates.undo.images import AFTER, BEFORE, Spelled, SqliteImages

if TYPE_CHECKING:
    from validate_updates.targets.base import Database

LAYOUT: Final = "L"
"""The action of such an entry. It belongs to no batch: its number is 0."""


def lay_out(
    database: Database, connection: sa.Connection, undo: sa.Table, *, run_id: str, table: str, columns: Sequence[str]
) -> None:
    """Make room for images of a table with these columns, and note their order. The same again does nothing."""
    if database.is_sqlite:
        _widen(connection, undo, len(columns))
    there = sa.select(sa.func.count()).select_from(undo).where(undo.c.run_id == run_id, undo.c.action == LAYOUT)
    tables = int(connection.execute(there).scalar_one())
    if layout_of(connection, undo, run_id=run_id, table=table) is None:
        row = {"run_id": run_id, "batch_no": 0, "undo_no": tables, "table_name": table, "action": LAYOUT}
        connection.execute(undo.insert(), {**row, "before_image": json.dumps(list(columns))})


def layout_of(connection: sa.Connection, undo: sa.Table, *, run_id: str, table: str) -> tuple[str, ...] | None:
    """The columns of a table in the order of the images; None where the run wrote nothing to it."""
    ours = (undo.c.run_id == run_id, undo.c.table_name == table, undo.c.action == LAYOUT)
    text = connection.scalar(sa.select(undo.c.before_image).where(*ours))
    return None if text is None else tuple(json.loads(text))


def _widen(connection: sa.Connection, undo: sa.Table, width: int) -> None:
    """SQLite: give the undo log a column for each cell. More are added only when a wider table comes along."""
    there = {row[1] for row in connection.exec_driver_sql(f"PRAGMA table_info({quoted(undo.name)})").all()}
    cells = [name for kind in (BEFORE, AFTER) for name in SqliteImages().columns(kind, width) if name not in there]
    if cells and len(there) == len(undo.c):  # as it was made: nothing is in it, and one statement does it
        undo.drop(connection)
        columns = (column._copy() for column in undo.columns)  # noqa: SLF001  # the documented way of Table.to_metadata
        sa.Table(undo.name, sa.MetaData(), *columns, *(sa.Column(name, Spelled()) for name in cells)).create(connection)
        return
    for name in cells:
        connection.exec_driver_sql(f"ALTER TABLE {quoted(undo.name)} ADD COLUMN {name}")
