"""The numbers of the undo log's entries: those of one run stand together, in the order in which they were made.

One number is the table's whole key, so that entries are appended, and a run's are found, without another index: on
SQLite that is a quarter of what the log costs. While a run's come last there, SQLite counts on by itself, and need not
look for the place of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables

_PER_RUN: Final = 1 << 40
"""Numbers that a run may use; the first is ``run_no`` times this."""
_LAYOUTS: Final = 1 << 12
"""The first of them are for the layouts of the tables that it writes, from the highest down; changes come after."""


def of_run(tables: JournalTables, run_no: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    """All entries of the run with that number."""
    return _between(tables, run_no, 0, _PER_RUN)


def layouts_of(tables: JournalTables, run_id: str) -> sa.ColumnElement[bool]:
    """Its layouts."""
    return _between(tables, _run_no(tables, run_id).scalar_subquery(), 0, _LAYOUTS)


def changes_of(tables: JournalTables, run_id: str) -> sa.ColumnElement[bool]:
    """Its changes."""
    return _between(tables, _run_no(tables, run_id).scalar_subquery(), _LAYOUTS, _PER_RUN)


def next_layout(connection: sa.Connection, tables: JournalTables, run_id: str) -> int:
    """The next free number for a layout."""
    there = sa.select(sa.func.count()).select_from(tables.undo).where(layouts_of(tables, run_id))
    return _first(connection, tables, run_id) + _LAYOUTS - 1 - int(connection.scalar(there) or 0)


def next_change(connection: sa.Connection, tables: JournalTables, run_id: str) -> int:
    """The next free number for a change."""
    last = connection.scalar(sa.select(sa.func.max(tables.undo.c.entry_no)).where(changes_of(tables, run_id)))
    return int(last) + 1 if last else _first(connection, tables, run_id) + _LAYOUTS


def comes_last(connection: sa.Connection, tables: JournalTables, run_id: str) -> bool:
    """Whether no entry is numbered beyond those of the run."""
    last = connection.scalar(sa.select(sa.func.max(tables.undo.c.entry_no)))
    return not last or last < _first(connection, tables, run_id) + _PER_RUN


def _first(connection: sa.Connection, tables: JournalTables, run_id: str) -> int:
    return int(connection.execute(_run_no(tables, run_id)).scalar_one()) * _PER_RUN


def _run_no(tables: JournalTables, run_id: str) -> sa.Select[Any]:
    return sa.select(tables.logs.c.run_no).where(tables.logs.c.run_id == run_id)


def _between(tables: JournalTables, run_no: sa.ColumnElement[int], first: int, beyond: int) -> sa.ColumnElement[bool]:
    # Written out, and no parameters: PostgreSQL takes a small one for an integer of 32 bits.
    start = run_no * sa.literal_column(str(_PER_RUN), sa.BigInteger)
    return tables.undo.c.entry_no.between(
        start + sa.literal_column(str(first), sa.BigInteger), start + sa.literal_column(str(beyond - 1), sa.BigInteger)
    )
