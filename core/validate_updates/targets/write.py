"""Writing a range of the plan, set-based: delete, update, insert, from the stage.

Separate statements rather than an upsert: a partial record may leave out columns that an insert must have, an upsert
would fire insert triggers and use up sequence numbers for updates, and the key need not have a unique constraint. The
plan knows which is which, and the transaction holds the table still.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.result import Counts
from validate_updates.targets.names import ROW, SHAPE
from validate_updates.targets.plan import DELETE, INSERT, UPDATE

if TYPE_CHECKING:
    from validate_updates.records import Shape
    from validate_updates.targets.plan import Plan


class Writer:
    """Writes a plan to its target. Statements are built once and run for each range."""

    def __init__(self, plan: Plan, connection: sa.Connection) -> None:
        self._plan = plan
        self._connection = connection
        shapes = plan.stage.shapes
        counts = plan.counts
        self._several = len(shapes) > 1
        self._delete = self._delete_statement() if counts.deletes else None
        self._updates = [self._update_statement(shape) for shape in shapes if self._settable(shape) and counts.updates]
        self._inserts = [self._insert_statement(shape) for shape in shapes if counts.inserts]

    def write(self, first: int, last: int) -> Counts:
        """Write the positions ``first`` to ``last``; the counts are the database's own."""
        deleted = self._run(self._delete, first, last) if self._delete is not None else 0
        updated = sum(self._run(statement, first, last) for statement in self._updates)
        inserted = sum(self._run(statement, first, last) for statement in self._inserts)
        return Counts(inserted=inserted, updated=updated, deleted=deleted)

    def _run(self, statement: sa.UpdateBase, first: int, last: int) -> int:
        return self._connection.execute(statement, {"first": first, "last": last}).rowcount

    def _settable(self, shape: Shape) -> list[str]:
        return [name for name in shape.columns if name not in self._plan.key]

    def _range(self, action: str) -> sa.ColumnElement[bool]:
        plan = self._plan.table
        within = plan.c.pos.between(sa.bindparam("first", type_=sa.Integer), sa.bindparam("last", type_=sa.Integer))
        return sa.and_(within, plan.c.action == sa.literal_column(f"'{action}'"))

    def _of_shape(self, shape: Shape) -> sa.ColumnElement[bool]:
        stage = self._plan.stage.table
        return stage.c[SHAPE] == shape.number if self._several else sa.true()

    def _insert_statement(self, shape: Shape) -> sa.Insert:
        plan, stage = self._plan.table, self._plan.stage.table
        query = (
            sa.select(*(stage.c[name] for name in shape.columns))
            .select_from(plan.join(stage, stage.c[ROW] == plan.c.row))
            .where(self._range(INSERT), self._of_shape(shape))
            .order_by(plan.c.pos)
        )
        return sa.insert(self._plan.rows).from_select(list(shape.columns), query, include_defaults=False)

    def _update_statement(self, shape: Shape) -> sa.Update:
        plan, stage, rows = self._plan.table, self._plan.stage.table, self._plan.rows
        source = (
            sa.select(*_labelled(stage, shape.columns), *([plan.c.tid] if self._plan.target.rowid else []))
            .select_from(plan.join(stage, stage.c[ROW] == plan.c.row))
            .where(self._range(UPDATE), self._of_shape(shape))
        )
        if self._plan.target.rowid:
            changed = source.subquery("changed")
            found: sa.ColumnElement[bool] = rows.c.rowid == changed.c.tid
        else:
            if self._connection.dialect.name == "sqlite":
                # Keeps SQLite from joining the target first: as a table of its own this is read once.
                source = source.limit(-1)
            changed = source.subquery("changed")
            found = sa.and_(*(rows.c[n] == changed.c[f"c{shape.columns.index(n)}"] for n in self._plan.key))
        values: dict[Any, Any] = {n: changed.c[f"c{shape.columns.index(n)}"] for n in self._settable(shape)}
        return sa.update(rows).values(values).where(found)

    def _delete_statement(self) -> sa.Delete:
        plan, doomed, rows = self._plan.table, self._plan.doomed, self._plan.rows
        keys = sa.select(*(doomed.c[name] for name in self._plan.key)).where(
            doomed.c[ROW] == plan.c.row, self._range(DELETE)
        )
        columns = [rows.c[name] for name in self._plan.key]
        named = columns[0].in_(keys) if len(columns) == 1 else sa.tuple_(*columns).in_(keys)
        return sa.delete(rows).where(named)


def _labelled(stage: sa.Table, columns: tuple[str, ...]) -> list[sa.Label[Any]]:
    # Numbered, since a column may be called like one of ours.
    return [stage.c[name].label(f"c{index}") for index, name in enumerate(columns)]
