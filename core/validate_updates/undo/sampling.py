"""Some of the rows that a run changed, as the undo log has them: for people to look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.journal.undoing import UndoLog
from validate_updates.result import CellChange, Change
from validate_updates.targets.plan import ACTIONS, DELETE, UPDATE, shown_cell
from validate_updates.text import key_text
from validate_updates.undo.images import AFTER, BEFORE, SqliteImages, prepare_images
from validate_updates.undo.numbering import changes_of

if TYPE_CHECKING:
    from validate_updates.journal.rows import RunRow
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database


def sample(
    database: Database, connection: sa.Connection, tables: JournalTables, run: RunRow, *, each: int
) -> tuple[Change, ...]:
    """The first ``each`` additions, changes and deletions of every table that the run wrote.

    None where its log was let go, or taken back.
    """
    prepare_images(database, connection)
    log = UndoLog(connection, tables, run.run_id)
    return tuple(change for table in log.table_names() for change in _of_table(database, log, run, table, each))


def _of_table(database: Database, log: UndoLog, run: RunRow, table: str, each: int) -> Iterator[Change]:
    layout = log.layout(table)
    undo, entries = log.with_cells(database, len(layout)), log.tables.undo
    theirs = changes_of(log.tables, run.run_id) & (entries.c.table_name == table)
    first = sa.select(entries.c.entry_no).where(theirs).order_by(entries.c.entry_no).limit(each)
    numbers = [
        number for action in ACTIONS for number in log.conn.scalars(first.where(entries.c.action == action)).all()
    ]
    query = sa.select(undo).where(undo.c.entry_no.in_(numbers)).order_by(undo.c.entry_no)
    key = tuple(name for name in run.key if name in layout) if table == run.table else ()
    for row in log.conn.execute(query):
        before, after = (_cells(database, row, kind, len(layout)) for kind in (BEFORE, AFTER))
        yield _change(
            row.action, table, dict(zip(layout, before, strict=True)), dict(zip(layout, after, strict=True)), key
        )


def _cells(database: Database, row: sa.Row[Any], kind: str, width: int) -> Sequence[Any]:
    """The row of before or after; without a value where there was none."""
    if database.is_sqlite:
        return [getattr(row, name) for name in SqliteImages().columns(kind, width)]
    image: Sequence[Any] | None = row.before_image if kind == BEFORE else row.after_image
    return image if image is not None else [None] * width


def _change(action: str, table: str, old: dict[str, Any], new: dict[str, Any], key: Sequence[str]) -> Change:
    there = old if action == DELETE else new
    named = tuple(key) or tuple(there)[:1]
    if action == UPDATE:
        differ = [name for name in new if new[name] != old[name]]
    else:
        differ = [name for name in there if there[name] is not None]
    return Change(
        action=ACTIONS[action],
        key=key_text(named, [there[name] for name in named]),
        table=table,
        cells=tuple(
            CellChange(column=name, old=shown_cell(old[name]), new=shown_cell(new[name]))
            for name in differ
            if name not in named
        ),
    )
