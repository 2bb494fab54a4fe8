"""Rows written out of the undo log, where the records tell beforehand all that will stand in them.

The log is written first, with both images of each row, and then read in one piece. Written out of the stage, the rows
would be looked for there a second time, one by one. SQLite's way.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.result import Counts
from validate_updates.targets.plan import INSERT, UPDATE
from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import AFTER, SqliteImages
from validate_updates.undo.layout import PLACE

if TYPE_CHECKING:
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.entries import Entries


class Told:
    """Takes down what a write will leave, and writes it.

    For each write, within its savepoint: :meth:`begin`, :meth:`take_down` for every statement that appends entries, and
    :meth:`put`.
    """

    def __init__(self, plan: Plan, connection: sa.Connection, entries: Entries) -> None:
        """``entries``: numbered by SQLite itself."""
        self._plan = plan
        self._connection = connection
        cells = SqliteImages().columns(AFTER, len(plan.target.names))
        self._cell = dict(zip(plan.target.names, cells, strict=True))
        self._entries = sa.table(entries.tables.undo.name, *map(sa.column, ("entry_no", "action", PLACE, *cells)))
        self._spans: dict[str, tuple[int, int]] = {}
        """By action: from which entry to which; those of others may be among them."""

    def begin(self) -> None:
        """Nothing has been taken down; what was, for a write that failed, is gone."""
        self._spans.clear()

    def take_down(self, action: str, insert: Prepared, **values: int) -> None:
        """Run a statement that appends entries with that action."""
        first, count = insert.append(self._connection, **values)
        if count:
            self._spans[action] = self._spans.get(action, (first, 0))[0], first + count - 1

    def put(self) -> Counts:
        """Write the rows of all entries since :meth:`begin`; the counts are the database's own."""
        updated = self._run(self._updates, *self._spans[UPDATE]) if UPDATE in self._spans else 0
        inserted = self._run(self._inserts, *self._spans[INSERT]) if INSERT in self._spans else 0
        return Counts(inserted=inserted, updated=updated)

    def _run(self, statement: Prepared, first: int, last: int) -> int:
        return statement.run(self._connection, first=first, last=last)

    @cached_property
    def _updates(self) -> Prepared:
        rows = self._plan.rows
        beyond_key = [name for name in self._plan.stage.columns if name not in self._plan.key]
        cells = (self._entries.c[self._cell[name]] for name in beyond_key)
        changed = sa.select(self._entries.c[PLACE], *cells).where(*self._those(UPDATE)).subquery("changed")
        values: dict[Any, Any] = {name: changed.c[self._cell[name]] for name in beyond_key}
        return prepare(sa.update(rows).values(values).where(rows.c.rowid == changed.c[PLACE]), self._connection)

    @cached_property
    def _inserts(self) -> Prepared:
        columns = self._plan.stage.columns
        query = sa.select(*(self._entries.c[self._cell[name]] for name in columns)).where(*self._those(INSERT))
        query = query.order_by(self._entries.c.entry_no)
        return prepare(
            sa.insert(self._plan.rows).from_select(list(columns), query, include_defaults=False), self._connection
        )

    def _those(self, action: str) -> tuple[sa.ColumnElement[bool], ...]:
        first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
        entries = self._entries
        return entries.c.entry_no.between(first, last), entries.c.action == sa.literal_column(f"'{action}'")
