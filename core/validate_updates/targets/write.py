"""Writing a range of the plan, set-based: delete, update, insert, from the stage.

Separate statements rather than an upsert: a partial record may leave out columns that an insert must have, an upsert
would fire insert triggers and use up sequence numbers for updates, and the key need not have a unique constraint. The
plan knows which is which, and the transaction holds the table still.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.result import Counts
from validate_updates.targets.names import ROW
from validate_updates.targets.plan import DELETE, INSERT, UPDATE
from validate_updates.targets.prepared import prepare

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.shapes import Shape
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.prepared import Prepared


class Writer:
    """Writes a plan to its target. Statements are built once and run for each range."""

    def __init__(self, plan: Plan, connection: sa.Connection) -> None:
        self._plan = plan
        self._connection = connection

    def delete(self, first: int, last: int) -> int:
        """Only the deletions at these positions; how many rows went."""
        return self._run(self._deletes, first, last) if self._plan.counts.deletes else 0

    def put(self, first: int, last: int) -> Counts:
        """Only the updates and inserts at these positions."""
        planned, any_kind = self._plan.counts, not self._plan.settled_kinds
        updated = self._run(self._updates, first, last) if planned.updates or any_kind else 0
        inserted = self._run(self._inserts, first, last) if planned.inserts or any_kind else 0
        return Counts(inserted=inserted, updated=updated)

    @cached_property
    def _deletes(self) -> list[Prepared]:
        return [prepare(self._delete_statement(), self._connection)]

    @cached_property
    def _updates(self) -> list[Prepared]:
        beyond_key = set(self._plan.stage.columns) - set(self._plan.key)
        return [prepare(self._update_statement(), self._connection)] if beyond_key else []

    @cached_property
    def _inserts(self) -> list[Prepared]:
        return [prepare(statement, self._connection) for statement in self._insert_statements()]

    def _run(self, statements: Sequence[Prepared], first: int, last: int) -> int:
        return sum(statement.run(self._connection, first=first, last=last) for statement in statements)

    def _range(self, action: str) -> sa.ColumnElement[bool]:
        plan = self._plan.table
        first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
        within = plan.c.pos.between(first, last)
        return sa.and_(within, plan.c.action == sa.literal_column(f"'{action}'"))

    def _records(self, columns: Sequence[sa.ColumnElement[Any]], action: str) -> sa.Select[Any]:
        return sa.select(*columns).select_from(self._plan.records).where(self._range(action))

    def _insert_statements(self) -> list[sa.Insert]:
        """One for each set of columns with a default that records leave out; a column without one is then null."""
        statements = []
        plan, groups = self._plan, _by_defaults(self._plan)
        for columns, shapes in groups:
            query = self._records([plan.cell(name) for name in columns], INSERT).order_by(*plan.order)
            if len(groups) > 1:
                numbers: Any = sa.bindparam(None, shapes, expanding=True, literal_execute=True)
                query = query.where(plan.shape.in_(numbers))
            statements.append(sa.insert(plan.rows).from_select(columns, query, include_defaults=False))
        return statements

    def _update_statement(self) -> sa.Update:
        plan, rows = self._plan, self._plan.rows
        # Numbered, since a column may be called like one of ours.
        label = {name: f"c{index}" for index, name in enumerate(plan.stage.columns)}
        carried = {name: plan.carries(name) for name in label}
        told = [test.label(f"has_{label[name]}") for name, test in carried.items() if test is not None]
        tid = [plan.table.c.tid] if plan.target.rowid else []
        source = self._records([*(plan.cell(name).label(label[name]) for name in label), *told, *tid], UPDATE)
        if self._connection.dialect.name == "sqlite" and not plan.target.rowid:
            # Keeps SQLite from joining the target first: as a table of its own this is read once.
            source = source.limit(-1)
        changed = source.subquery("changed")
        values: dict[Any, Any] = {
            name: changed.c[label[name]]
            if carried[name] is None
            else sa.case((changed.c[f"has_{label[name]}"], changed.c[label[name]]), else_=rows.c[name])
            for name in label
            if name not in plan.key
        }
        if plan.target.rowid:
            found: sa.ColumnElement[bool] = rows.c.rowid == changed.c.tid
        else:
            found = sa.and_(*(changed.c[label[name]] == rows.c[name] for name in plan.key))
        return sa.update(rows).values(values).where(found)

    def _delete_statement(self) -> sa.Delete:
        plan, doomed, rows = self._plan.table, self._plan.doomed, self._plan.rows
        keys = sa.select(*(doomed.c[name] for name in self._plan.key)).where(
            doomed.c[ROW] == plan.c.row, self._range(DELETE)
        )
        columns = [self._plan.stage.as_keyed(name, rows.c[name]) for name in self._plan.key]
        named = columns[0].in_(keys) if len(columns) == 1 else sa.tuple_(*columns).in_(keys)
        return sa.delete(rows).where(named)


def _by_defaults(plan: Plan) -> list[tuple[list[str], list[int]]]:
    """Columns to insert and the shapes they are for: shapes that differ in columns without a default go together."""
    defaulted = {column.name for column in plan.target.columns if column.has_default}
    groups: dict[frozenset[str], list[Shape]] = {}
    for shape in plan.stage.shapes:
        groups.setdefault(frozenset(defaulted.intersection(shape.columns)), []).append(shape)
    result = []
    for shapes in groups.values():
        carried = {name for shape in shapes for name in shape.columns}
        result.append(([name for name in plan.stage.columns if name in carried], [shape.number for shape in shapes]))
    return result
