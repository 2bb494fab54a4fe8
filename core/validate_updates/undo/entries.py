"""Entries of the undo log, made by the database from a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import AFTER, BEFORE, images_of
from validate_updates.undo.layout import PLACE, columns_of, lay_out
from validate_updates.undo.numbering import comes_last, next_change

if TYPE_CHECKING:
    from validate_updates.journal.tables import JournalTables
    from validate_updates.targets.base import Database
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.images import Element


@dataclass(frozen=True, slots=True)
class Entries:
    """How one run writes into the undo log."""

    database: Database
    connection: sa.Connection
    tables: JournalTables
    run_id: str
    first: int | None
    """The number of the first of them; the others are told from there on. None: SQLite counts them as they are made."""

    def lay_out(self, table: str, columns: Sequence[str]) -> None:
        """Note which columns the images of a table have, and make room for them."""
        lay_out(self.database, self.connection, self.tables, run_id=self.run_id, table=table, columns=columns)

    def insert(
        self,
        query: sa.Select[int, int],
        *,
        table: str,
        action: str,
        before: Sequence[Element] = (),
        after: Sequence[Element] = (),
        place: Element | None = None,
    ) -> Prepared:
        """The INSERT for one table and action.

        ``query`` finds the rows, and gives the number of the batch and, from 0, that of the entry; ``before`` and
        ``after`` are whole rows in the order of the table's layout; ``place``: of SQLite's, by rowid.
        """
        images, undo = images_of(self.database), self.tables.undo
        batch, number = query.selected_columns
        cells: dict[str, Element] = {
            "entry_no": sa.null() if self.first is None else sa.literal(self.first, sa.BigInteger) + number,
            "batch_no": batch,
            "table_name": sa.literal(table, sa.Text),
            "action": sa.literal(action, sa.Text),
        }
        if place is not None:
            cells[PLACE] = place
        for kind, row in ((BEFORE, before), (AFTER, after)):
            if row:
                cells |= zip(images.columns(kind, len(row)), images.keep(row), strict=True)
        if self.database.is_sqlite:
            # Every column, in the table's own order: SQLite then takes the cells as it reads them, and copies none.
            cells = {name: cells.get(name, sa.null()) for name in columns_of(self.connection, undo)}
        chosen = query.with_only_columns(*cells.values(), maintain_column_froms=True)
        log = sa.table(undo.name, *map(sa.column, cells), schema=undo.schema)
        return prepare(sa.insert(log).from_select(list(cells), chosen), self.connection)


def entries_of(
    database: Database, connection: sa.Connection, tables: JournalTables, run_id: str, *, as_made: bool
) -> Entries:
    """How the run writes its entries from here on. ``as_made``: whether they may be numbered as they come."""
    counted = as_made and database.is_sqlite and comes_last(connection, tables, run_id)
    first = None if counted else next_change(connection, tables, run_id)
    return Entries(database, connection, tables, run_id, first)
