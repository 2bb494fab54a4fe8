"""Entries of the undo log, made by the database from a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import AFTER, BEFORE, images_of
from validate_updates.undo.layout import lay_out

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
    first: int
    """The number of the first of them; the others are told from there on."""

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
    ) -> Prepared:
        """The INSERT for one table and action.

        ``query`` finds the rows, and gives the number of the batch and, from 0, that of the entry; ``before`` and
        ``after`` are whole rows in the order of the table's layout.
        """
        images, undo = images_of(self.database), self.tables.undo
        names, cells = ["table_name", "action", "batch_no", "entry_no"], []
        for kind, row in ((BEFORE, before), (AFTER, after)):
            if row:
                names += images.columns(kind, len(row))
                cells += images.keep(row)
        batch, number = query.selected_columns
        numbers = [batch, sa.literal(self.first, sa.BigInteger) + number]
        named = [sa.literal(text, sa.Text) for text in (table, action)]
        chosen = query.with_only_columns(*named, *numbers, *cells, maintain_column_froms=True)
        log = sa.table(undo.name, *map(sa.column, names), schema=undo.schema)
        return prepare(sa.insert(log).from_select(names, chosen), self.connection)
