"""Entries of the undo log in a temporary table, a column for each cell, so that they can be taken back set-based."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.names import quoted
from validate_updates.targets.plan import DELETE
from validate_updates.undo.images import AFTER, BEFORE, images_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.journal.undoing import Held, UndoLog
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable
    from validate_updates.undo.images import Element

_HEAD = ("pos", "batch_no", "entry_no", "action", "state")
OPEN = "open"
"""The state of an entry that nobody has looked at."""


class Loaded:
    """The temporary table ``vu_undo_N``: entries about one table, ``pos`` in the order in which they were written.

    ``b0``, ``b1``, … are the cells of before, ``w0``, … what the run left there (of a deleted row: what it deleted), in
    the order of :attr:`columns`. ``state`` and ``step`` are for whoever takes them back.
    """

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        target: TargetTable,
        *,
        name: str,
        columns: Sequence[str],
        number: int,
    ) -> None:
        """``target.key`` tells its rows apart; ``columns``: those of the images that the table has and stores.

        ``name``: the table as the journal names it.
        """
        self.name = name
        self._database = database
        self._connection = connection
        self.target = target
        self.columns = tuple(columns)
        cells = [f"{kind}{number}" for kind in "bw" for number in range(len(self.columns))]
        self.table = sa.table(
            f"vu_undo_{number}",
            *(sa.column(name, sa.BigInteger) for name in _HEAD[:3]),
            *(sa.column(name, sa.Text) for name in (*_HEAD[3:], "step")),
            *map(sa.column, cells),
        )
        self.last = 0
        """The highest ``pos``."""
        self._create()

    def before(self, name: str) -> sa.ColumnElement[Any]:
        """The cells of before in a column of the target."""
        return self.table.c[f"b{self.columns.index(name)}"]

    def written(self, name: str) -> sa.ColumnElement[Any]:
        """The same as the run left them."""
        return self.table.c[f"w{self.columns.index(name)}"]

    def fill(self, log: UndoLog, batches: Held) -> None:
        """Load the entries about the table that these batches made."""
        layout = log.layout(self.name)
        images, undo = images_of(self._database), log.with_cells(self._database, len(layout))

        def cells(kind: str) -> list[Element]:
            return [
                images.cell(undo, kind, layout.index(name), spelled=self.target.column(name).type)
                for name in self.columns
            ]

        before = cells(BEFORE)
        deleted = undo.c.action == sa.literal_column(f"'{DELETE}'")
        written = [sa.case((deleted, was), else_=is_) for was, is_ in zip(before, cells(AFTER), strict=True)]
        order = (undo.c.batch_no, undo.c.entry_no)
        head = (sa.func.row_number().over(order_by=order), *order, undo.c.action, sa.literal(OPEN, sa.Text))
        query = sa.select(*head, *before, *written).where(log.about(undo, self.name, batches)).order_by(*order)
        names = [column.name for column in self.table.c if column.name != "step"]
        counted = {"preserve_rowcount": True}
        inserted = self.table.insert().from_select(names, query)
        self.last = self._connection.execute(inserted, execution_options=counted).rowcount
        if not self._database.is_sqlite:
            self._execute(f"ANALYZE {self.table.name}")

    def drop(self) -> None:
        """Remove the table."""
        self._execute(f"DROP TABLE {self.table.name}")

    def _create(self) -> None:
        name, numbers = self.table.name, range(len(self.columns))
        if self._database.is_sqlite:
            head = "pos INTEGER PRIMARY KEY, batch_no, entry_no, action, state, step"
            collations = self._database.key_collations(self._connection, self.target.sql, self.target.key)
            # Without types, so that values stay as they are; keys are compared as the key's own index does.
            written = [_collated(f"w{number}", collations.get(self.columns[number])) for number in numbers]
            cells = [*(f"b{number}" for number in numbers), *written]
        else:
            head = "pos bigint PRIMARY KEY, batch_no bigint, entry_no bigint, action text, state text, step text"
            cells = [
                f"{kind}{number} {self.target.column(self.columns[number]).type}" for kind in "bw" for number in numbers
            ]
        self._execute(f"CREATE TEMPORARY TABLE {name} ({', '.join((head, *cells))})")
        key = ", ".join(f"w{self.columns.index(part)}" for part in self.target.key)
        self._execute(f"CREATE INDEX {name}_key ON {name} ({key})")

    def _execute(self, statement: str) -> None:
        cursor = self._connection.connection.cursor()
        cursor.execute(statement)
        cursor.close()


def _collated(name: str, collation: str | None) -> str:
    return f"{name} COLLATE {quoted(collation)}" if collation else name
