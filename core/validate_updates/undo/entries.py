"""Entries of the undo log, made by the database from a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import AFTER, BEFORE, images_of
from validate_updates.undo.layout import lay_out

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.images import Element


@dataclass(frozen=True, slots=True)
class Entries:
    """How one run writes into the undo log."""

    database: Database
    connection: sa.Connection
    undo: sa.Table
    run_id: str

    def lay_out(self, table: str, columns: Sequence[str]) -> None:
        """Note which columns the images of a table have, and make room for them."""
        lay_out(self.database, self.connection, self.undo, run_id=self.run_id, table=table, columns=columns)

    def insert(
        self,
        query: sa.Select[Any],
        *,
        table: str,
        action: str,
        before: Sequence[Element] = (),
        after: Sequence[Element] = (),
    ) -> Prepared:
        """The INSERT for one table and action.

        ``query`` finds the rows, and gives ``batch_no`` and ``undo_no``; ``before`` and ``after`` are whole rows in the
        order of the table's layout.
        """
        images = images_of(self.database)
        names, cells = ["run_id", "table_name", "action", "batch_no", "undo_no"], []
        for kind, row in ((BEFORE, before), (AFTER, after)):
            if row:
                names += images.columns(kind, len(row))
                cells += images.keep(row)
        named = [sa.literal(text, sa.Text) for text in (self.run_id, table, action)]
        chosen = query.with_only_columns(*named, *query.selected_columns, *cells, maintain_column_froms=True)
        log = sa.table(self.undo.name, *map(sa.column, names), schema=self.undo.schema)
        return prepare(sa.insert(log).from_select(names, chosen), self.connection)
