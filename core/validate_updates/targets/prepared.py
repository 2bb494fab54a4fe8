"""Statements that run once a batch: compiled once, run on the driver's own cursor.

SQLAlchemy takes 60 to 100 µs to execute a statement, SQLite 10; a large update runs thousands of batches.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import sqlalchemy as sa


@dataclass(frozen=True, slots=True)
class Prepared:
    """A compiled statement and its parameters. Errors are the driver's own; ``Database.trouble`` sorts them."""

    sql: str
    names: tuple[str, ...] | None
    """Parameters in the order of their marks; None where the driver takes them by name."""
    fixed: dict[str, Any]
    """Parameters that never change."""

    def run(self, connection: sa.Connection, **values: Any) -> int:
        """Execute it; the rows it touched, as the database counts them."""
        with closing(self._executed(connection, values)) as cursor:
            return int(cursor.rowcount)

    def append(self, connection: sa.Connection, **values: Any) -> tuple[int, int]:
        """SQLite: execute an INSERT that appends; the rowid of the first row that came, and how many came."""
        with closing(self._executed(connection, values)) as cursor:
            return cursor.lastrowid - cursor.rowcount + 1, cursor.rowcount

    def count(self, connection: sa.Connection, **values: Any) -> int:
        """Execute a query for one number."""
        with closing(self._executed(connection, values)) as cursor:
            return int(cursor.fetchone()[0])

    def _executed(self, connection: sa.Connection, values: dict[str, Any]) -> Any:
        given = {**self.fixed, **values}
        cursor = connection.connection.cursor()
        try:
            cursor.execute(self.sql, given if self.names is None else [given[name] for name in self.names])
        except BaseException:
            cursor.close()
            raise
        return cursor


def prepare(statement: sa.ClauseElement, connection: sa.Connection) -> Prepared:
    """Compile ``statement`` for the connection's database; its bind parameters are those of :meth:`Prepared.run`."""
    compiled = statement.compile(dialect=connection.dialect, compile_kwargs={"render_postcompile": True})
    positions: list[str] | None = getattr(compiled, "positiontup", None)
    return Prepared(str(compiled), None if positions is None else tuple(positions), dict(compiled.params))
