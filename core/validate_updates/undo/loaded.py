"""Entries of the undo log in a temporary table, a column for each cell, so that they can be taken back set-based."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.names import quoted
from validate_updates.undo.cells import BrokenText, image

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable

_HEAD = ("pos", "batch_no", "undo_no", "action", "state")
OPEN = "open"
"""The state of an entry that nobody has looked at."""


class Loaded:
    """The temporary table ``vu_undo_N``: entries about one table, ``pos`` in the order in which they were written.

    ``b0``, ``b1``, … are the cells of before, ``w0``, … what the run left there (of a deleted row: what it deleted), in
    the order of :attr:`columns`. ``state`` and ``step`` are for whoever takes them back.
    """

    def __init__(
        self, database: Database, connection: sa.Connection, target: TargetTable, columns: Sequence[str], number: int
    ) -> None:
        """``target.key`` tells its rows apart; ``columns``: those of the images that the table has and stores."""
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
        self._insert = f"INSERT INTO {self.table.name} ({', '.join((*_HEAD, *cells))})"
        self._copy = f"COPY {self.table.name} ({', '.join((*_HEAD, *cells))}) FROM STDIN"

    def before(self, name: str) -> sa.ColumnElement[Any]:
        """The cells of before in a column of the target."""
        return self.table.c[f"b{self.columns.index(name)}"]

    def written(self, name: str) -> sa.ColumnElement[Any]:
        """The same as the run left them."""
        return self.table.c[f"w{self.columns.index(name)}"]

    def add(self, entries: Iterable[sa.Row[Any]]) -> None:
        """Load entries that were written after those that are here."""
        rows = [self._row(position, entry) for position, entry in enumerate(entries, self.last + 1)]
        self.last += len(rows)
        cursor: Any = self._connection.connection.cursor()
        if self._database.is_sqlite:
            marks = ", ".join("?" * len(rows[0])) if rows else ""
            sound = [row for row in rows if not any(isinstance(cell, BrokenText) for cell in row)]
            cursor.executemany(f"{self._insert} VALUES ({marks})", sound)
            for row in rows if len(sound) < len(rows) else ():
                self._add_broken(cursor, row)
        else:
            with cursor.copy(self._copy) as copy:
                for row in rows:
                    copy.write_row(row)
        cursor.close()

    def ready(self) -> None:
        """All are loaded: tell the planner."""
        if not self._database.is_sqlite:
            self._execute(f"ANALYZE {self.table.name}")

    def drop(self) -> None:
        """Remove the table."""
        self._execute(f"DROP TABLE {self.table.name}")

    def _row(self, position: int, entry: sa.Row[Any]) -> tuple[Any, ...]:
        before, after = image(entry.before_image), image(entry.after_image)
        written = before | after
        head = (position, entry.batch_no, entry.undo_no, entry.action, OPEN)
        return (*head, *map(before.get, self.columns), *map(written.get, self.columns))

    def _add_broken(self, cursor: Any, row: Sequence[Any]) -> None:
        if any(isinstance(cell, BrokenText) for cell in row):
            marks = ("CAST(? AS TEXT)" if isinstance(cell, BrokenText) else "?" for cell in row)
            cells = [cell.data if isinstance(cell, BrokenText) else cell for cell in row]
            cursor.execute(f"{self._insert} VALUES ({', '.join(marks)})", cells)

    def _create(self) -> None:
        name, numbers = self.table.name, range(len(self.columns))
        if self._database.is_sqlite:
            head = "pos INTEGER PRIMARY KEY, batch_no, undo_no, action, state, step"
            collations = self._database.key_collations(self._connection, self.target.sql, self.target.key)
            # Without types, so that values stay as they are; keys are compared as the key's own index does.
            written = [_collated(f"w{number}", collations.get(self.columns[number])) for number in numbers]
            cells = [*(f"b{number}" for number in numbers), *written]
        else:
            head = "pos bigint PRIMARY KEY, batch_no bigint, undo_no bigint, action text, state text, step text"
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
