"""The rows of a batch as they were before it was written, set aside in a temporary table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.targets.names import qualified, quoted
from validate_updates.targets.plan import UPDATE
from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import Spelled
from validate_updates.undo.ranges import updated, within

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan

NAME: Final = "vu_before"
_MANY: Final = 1000
"""Rows from which the planner is told what is in the table."""


class KeptRows:
    """The temporary table ``vu_before``: the number in the plan as ``pos``, and the target's columns.

    These are numbered, since one may be called like ours.
    """

    def __init__(self, database: Database, connection: sa.Connection, plan: Plan) -> None:
        self._database = database
        self._connection = connection
        self._names = plan.target.names
        self._target = qualified(plan.target.schema, plan.target.name)
        labels = [self._label(name) for name in self._names]
        cells = (sa.Column(label, Spelled()) for label in labels)  # without types: values stay as they are
        self.table = database.temporary(f"{NAME}{plan.suffix}", sa.Column("pos", sa.Integer, primary_key=True), *cells)
        self._create()
        rows = sa.select(plan.number, *(plan.rows.c[name] for name in self._names))
        query = rows.select_from(updated(plan)).where(within(plan, UPDATE))
        self._keep = prepare(sa.insert(self.table).from_select(["pos", *labels], query), connection)
        self._let_go = prepare(sa.delete(self.table), connection)

    def _label(self, name: str) -> str:
        return f"c{self._names.index(name)}"

    def __getitem__(self, name: str) -> sa.ColumnElement[object]:
        """A column of the target as it was."""
        return self.table.c[self._label(name)]

    def keep(self, first: int, last: int) -> None:
        """Set aside the rows that the positions ``first`` to ``last`` of the plan will update."""
        kept = self._keep.run(self._connection, first=first, last=last)
        if kept >= _MANY and not self._database.is_sqlite:
            self._database.analyze(self._connection, self.table, ["pos"])

    def let_go(self) -> None:
        """Forget them."""
        self._let_go.run(self._connection)

    def _create(self) -> None:
        if self._database.is_sqlite:
            self._connection.execute(CreateTable(self.table))
            return
        columns = ", ".join(("pos", *map(self._label, self._names)))
        rows = f"SELECT 0::bigint, {', '.join(map(quoted, self._names))} FROM {self._target} WITH NO DATA"  # noqa: S608  # reflected
        cursor = self._connection.connection.cursor()
        cursor.execute(f"CREATE TEMPORARY TABLE {self.table.name} ({columns}) AS {rows}")
        cursor.close()
