"""Conditions between loaded entries and the rows of the target as they stand now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.targets.plan import raw

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.undo.loaded import Loaded

Condition = sa.ColumnElement[bool]


class Matching:
    """The target's rows, and how an entry is compared with them. Ours stands left: its collation decides on SQLite."""

    def __init__(self, database: Database, loaded: Loaded) -> None:
        self._database = database
        self.loaded = loaded
        self.target = loaded.target
        self.entry = loaded.table
        self.rows = raw(loaded.target)

    def same_key(self, rows: sa.FromClause | None = None, entry: sa.FromClause | None = None) -> Condition:
        """The row that the run left."""
        found = self.rows if rows is None else rows
        ours = self.entry if entry is None else entry
        written = ((name, ours.c[self.loaded.written(name).name]) for name in self.target.key)
        return sa.and_(*(self._equal(cell, found.c[name]) for name, cell in written))

    def same_key_before(self) -> Condition:
        """The row of before."""
        return sa.and_(*(self._equal(self.loaded.before(name), self.rows.c[name]) for name in self.loaded.target.key))

    def as_written(self) -> Condition:
        """The row is what the run left."""
        return sa.and_(*(self._alike(name, self.loaded.written(name)) for name in self.loaded.columns))

    def as_before(self) -> Condition:
        """The row is what it was before the run."""
        return sa.and_(*(self._alike(name, self.loaded.before(name)) for name in self.loaded.columns))

    def _equal(self, ours: sa.ColumnElement[Any], theirs: sa.ColumnElement[Any]) -> Condition:
        # A key of SQLite may be null; PostgreSQL finds no row by an index where it may.
        return ours.is_not_distinct_from(theirs) if self._database.is_sqlite else ours == theirs

    def _alike(self, name: str, ours: sa.ColumnElement[Any]) -> Condition:
        column = self.loaded.target.column(name)
        comparable = self._database.comparable
        return comparable(column, ours).is_not_distinct_from(comparable(column, self.rows.c[name]))
