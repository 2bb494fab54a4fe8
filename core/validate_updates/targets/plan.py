"""The change plan: one set-based comparison of the stage with the target, numbered in key order.

Key order makes the writes of the batches that follow sequential; in source order they touch pages at random and write
ten times as much.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.result import CellChange, Change
from validate_updates.targets.names import ROW, SHAPE
from validate_updates.text import key_text

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.targets.stage import Stage
    from validate_updates.targets.table import TargetTable

INSERT, UPDATE, DELETE = "I", "U", "D"
UNCHANGED, LEFT_OUT = "=", "X"
"""Positions of which nothing is written any more: another program did it, or the record is kept out."""
_ACTIONS = {INSERT: "insert", UPDATE: "update", DELETE: "delete"}
_CELL_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Planned:
    """Positions in the plan by action."""

    inserts: int
    updates: int
    deletes: int

    @property
    def size(self) -> int:
        """All positions."""
        return self.inserts + self.updates + self.deletes


class Plan:
    """The temporary tables ``vu_plan`` (what to write, by position) and ``vu_doomed`` (keys to delete)."""

    def __init__(self, database: Database, connection: sa.Connection, target: TargetTable, stage: Stage) -> None:
        self._database = database
        self._connection = connection
        self.target = target
        self.stage = stage
        self.key = target.key
        self.rows = raw(target)
        """The target without types: values as the driver has them."""
        metadata = sa.MetaData()
        tid = [sa.Column("tid", sa.BigInteger)] if target.rowid else []
        self.table = sa.Table(
            "vu_plan",
            metadata,
            # SQLite numbers its rows by itself. PostgreSQL's counter and growing index would cost as much as comparing.
            sa.Column("pos", sa.Integer, primary_key=database.is_sqlite),
            sa.Column("row", sa.BigInteger),
            sa.Column("action", sa.String(1), nullable=False),
            *tid,
            prefixes=["TEMPORARY"],
        )
        connection.execute(CreateTable(self.table))
        self.counts = Planned(0, 0, 0)
        """What is to be written."""
        self.positions = 0
        """How many were planned; some may have been left out since."""
        self._all_stand = True
        self._ranges_expected = False
        self.settled_kinds = True
        """Whether the kinds of action are those counted; a later comparison may have found others."""

    def compare(self) -> Planned:
        """Fill the plan with what differs."""
        stage, plan, rows = self.stage.table, self.table, self.rows
        is_new = rows.c[self.key[0]].is_(None)
        picked: list[Any] = [stage.c[ROW], sa.case((is_new, INSERT), else_=UPDATE)]
        names = ["row", "action"]
        if self.target.rowid:
            picked.append(rows.c.rowid)
            names.append("tid")
        found = stage.outerjoin(rows, self.same_key(stage))
        query = sa.select(*picked).select_from(found).where(sa.or_(is_new, self._differs()))
        self._fill(names, query, [stage.c[name] for name in self.key])
        if not self._database.is_sqlite:
            sa.Index("vu_plan_pos", plan.c.pos, unique=True).create(self._connection)
        self._database.analyze(self._connection, plan, ["pos", "row", "action"])
        self.positions = self._count().size
        return self.counts

    def _fill(self, names: Sequence[str], query: sa.Select[Any], order: Sequence[sa.ColumnElement[Any]]) -> None:
        """Add what ``query`` finds, numbered from the next position on."""
        names, query = list(names), query.order_by(*order)
        if not self._database.is_sqlite:
            position = sa.func.row_number().over(order_by=list(order)) + self.positions
            names, query = [*names, "pos"], query.add_columns(position)
        self._connection.execute(self.table.insert().from_select(names, query))

    def add_missing(self) -> Planned:
        """Add the deletion of every row of the target whose key the stage does not have."""
        stage, rows = self.stage.table, self.rows
        doomed = self.doomed
        self._connection.execute(CreateTable(doomed))
        columns = [rows.c[name] for name in self.key]
        absent = ~sa.exists().where(self.same_key(stage))
        # A row whose key is null cannot be in a source that this key tells apart; it is none of its rows.
        named = [column.isnot(None) for column in columns]
        keys = sa.select(*columns).where(absent, *named).order_by(*columns)
        self._connection.execute(doomed.insert().from_select(list(self.key), keys))
        deletes = sa.select(doomed.c[ROW], sa.literal_column(f"'{DELETE}'"))
        self._fill(["row", "action"], deletes, [doomed.c[ROW]])
        self._database.analyze(self._connection, doomed, [ROW, *self.key])
        self.positions = self._count().size
        return self.counts

    @cached_property
    def doomed(self) -> sa.Table:
        """Keys of the rows to delete."""
        return sa.Table(
            "vu_doomed",
            sa.MetaData(),
            sa.Column(ROW, sa.Integer, primary_key=True),
            *(sa.Column(name, self.stage.table.c[name].type) for name in self.key),
            prefixes=["TEMPORARY"],
        )

    def same_key(self, ours: sa.Table) -> sa.ColumnElement[bool]:
        """Equality of the key in a table of ours and in the target, under the collation of the key's own index."""
        return sa.and_(*(ours.c[name] == self.rows.c[name] for name in self.key))

    def _differs(self) -> sa.ColumnElement[bool]:
        return sa.or_(sa.false(), *(self._cell_differs(name) for name in self.stage.columns if name not in self.key))

    def _cell_differs(self, name: str) -> sa.ColumnElement[bool]:
        column = self.target.column(name)
        new = self._database.comparable(column, self.stage.table.c[name])
        old = self._database.comparable(column, self.rows.c[name])
        # The stage's column stands left: it has no collation of its own, so that 'a' and 'A' differ everywhere.
        differs = new.is_distinct_from(old)
        carried = self.stage.carries(name)
        return differs if carried is None else sa.and_(carried, differs)

    def _count(self) -> Planned:
        plan = self.table
        query = sa.select(plan.c.action, sa.func.count()).group_by(plan.c.action)
        by_action = self._by_action(query)
        self.counts = Planned(by_action.get(INSERT, 0), by_action.get(UPDATE, 0), by_action.get(DELETE, 0))
        return self.counts

    def _by_action(self, query: sa.Select[Any]) -> dict[str, int]:
        return {row[0]: row[1] for row in self._connection.execute(query)}

    def landed(self) -> Planned:
        """What of the plan stands in the target now, recounted by key. Call :meth:`recount` first."""
        plan, stage, rows = self.table, self.stage.table, self.rows
        there = (
            sa.select(plan.c.action, sa.func.count())
            .select_from(plan.join(stage, stage.c[ROW] == plan.c.row).join(rows, self.same_key(stage)))
            .where(plan.c.action.in_((INSERT, UPDATE)))
            .group_by(plan.c.action)
        )
        by_action = self._by_action(there)
        deleted = self.counts.deletes - self._not_deleted(1, self.positions)
        return Planned(by_action.get(INSERT, 0), by_action.get(UPDATE, 0), deleted)

    def expect_ranges(self) -> None:
        """Small ranges will be asked for: make the stage's rows quick to find. SQLite finds them by their rowid."""
        if self._ranges_expected:
            return
        self._ranges_expected = True
        if not self._database.is_sqlite:
            sa.Index("vu_stage_row", self.stage.table.c[ROW]).create(self._connection)
            self._database.analyze(self._connection, self.stage.table, [ROW])

    def to_write(self, first: int, last: int) -> int:
        """How many of the positions ``first`` to ``last`` are to be written."""
        if self._all_stand:
            return last - first + 1
        query = sa.select(sa.func.count()).select_from(self.table).where(self._between(first, last), self._is_written())
        return int(self._connection.execute(query).scalar_one())

    def not_landed(self, first: int, last: int) -> int:
        """Of those that are written, how many did not land: a row that should be there is not, or is as it was.

        An inserted row counts wherever it is, since triggers may have changed it on its way.
        """
        plan, stage, rows = self.table, self.stage.table, self.rows
        found = plan.join(stage, stage.c[ROW] == plan.c.row).outerjoin(rows, self.same_key(stage))
        gone = rows.c[self.key[0]].is_(None)
        amiss = sa.or_(gone, sa.and_(plan.c.action == UPDATE, self._differs()))
        query = sa.select(sa.func.count()).select_from(found)
        query = query.where(self._between(first, last), plan.c.action.in_((INSERT, UPDATE)), amiss)
        return int(self._connection.execute(query).scalar_one()) + self._not_deleted(first, last)

    def _not_deleted(self, first: int, last: int) -> int:
        if not self.counts.deletes:
            return 0
        plan, doomed = self.table, self.doomed
        found = plan.join(doomed, doomed.c[ROW] == plan.c.row).join(self.rows, self.same_key(doomed))
        query = sa.select(sa.func.count()).select_from(found)
        return int(
            self._connection.execute(query.where(self._between(first, last), plan.c.action == DELETE)).scalar_one()
        )

    def doomed_keys(self, first: int, last: int, limit: int) -> Sequence[str]:
        """A few keys of rows that are to be deleted at these positions, as text for people."""
        if not self.counts.deletes:
            return ()
        plan, doomed = self.table, self.doomed
        query = sa.select(*(doomed.c[name] for name in self.key)).join(plan, plan.c.row == doomed.c[ROW])
        query = query.where(self._between(first, last), plan.c.action == DELETE).order_by(plan.c.pos).limit(limit)
        return [key_text(self.key, values) for values in self._connection.execute(query)]

    def leave_out(self, first: int, last: int) -> int:
        """Write nothing of the positions ``first`` to ``last``, now or later; how many that concerns."""
        self._all_stand = False
        left_out = self.table.update().where(self._between(first, last), self._is_written()).values(action=LEFT_OUT)
        return self._connection.execute(left_out).rowcount

    def refresh(self, first: int, last: int) -> None:
        """Compare these positions with the target as it stands now: other programs may have changed it."""
        stage, plan, rows = self.stage.table, self.table, self.rows
        now = stage.outerjoin(rows, self.same_key(stage))
        action = sa.case((rows.c[self.key[0]].is_(None), INSERT), (self._differs(), UPDATE), else_=UNCHANGED)
        mine = stage.c[ROW] == plan.c.row
        values: dict[str, Any] = {"action": sa.select(action).select_from(now).where(mine).scalar_subquery()}
        if self.target.rowid:
            values["tid"] = sa.select(rows.c.rowid).select_from(now).where(mine).scalar_subquery()
        pending = plan.c.action.in_((INSERT, UPDATE))
        self._connection.execute(plan.update().where(self._between(first, last), pending).values(values))
        self._all_stand = False
        self.settled_kinds = False

    def recount(self) -> Planned:
        """Count again what is to be written, after some was left out."""
        return self.counts if self._all_stand else self._count()

    def _between(self, first: int, last: int) -> sa.ColumnElement[bool]:
        return self.table.c.pos.between(first, last)

    def _is_written(self) -> sa.ColumnElement[bool]:
        return self.table.c.action.in_((INSERT, UPDATE, DELETE))

    def keys_at(self, positions: Sequence[int]) -> dict[int, str]:
        """The keys at some positions, as text for people."""
        plan = self.table
        asked = sa.select(plan.c.row, plan.c.pos, plan.c.action).where(plan.c.pos.in_(positions))
        at: dict[bool, dict[int, int]] = {False: {}, True: {}}
        for row, pos, action in self._connection.execute(asked):
            at[action == DELETE][row] = pos
        keys: dict[int, str] = {}
        for deleted, found in at.items():
            if found:
                source = self.doomed if deleted else self.stage.table
                query = sa.select(source.c[ROW], *(source.c[name] for name in self.key))
                for row, *values in self._connection.execute(query.where(source.c[ROW].in_(found))):
                    keys[found[row]] = key_text(self.key, values)
        return keys

    def key_at(self, position: int) -> str:
        """The key at a position, as text for people."""
        stage, plan = self.stage.table, self.table
        action, row = self._connection.execute(sa.select(plan.c.action, plan.c.row).where(plan.c.pos == position)).one()
        source = self.doomed if action == DELETE else stage
        values = self._connection.execute(sa.select(*(source.c[name] for name in self.key)).where(source.c[ROW] == row))
        return key_text(self.key, values.one())

    def sample(self, limit: int) -> tuple[Change, ...]:
        """Up to ``limit`` changes, old and new cells side by side, spread over the kinds of action."""
        updates = self._first(UPDATE, max(limit * 6 // 10, 1))
        inserts = self._first(INSERT, limit - len(updates))
        deletes = self._first(DELETE, limit - len(updates) - len(inserts))
        changes = [*self._changes(updates, inserts), *self._deletions(deletes)]
        return tuple(changes[:limit])

    def _first(self, action: str, limit: int) -> list[int]:
        """Numbers of the first rows with that action."""
        plan = self.table
        if limit <= 0 or not self._has(action):
            return []
        query = sa.select(plan.c.row).where(plan.c.action == action).order_by(plan.c.pos).limit(limit)
        return list(self._connection.execute(query).scalars())

    def _changes(self, updates: Sequence[int], inserts: Sequence[int]) -> list[Change]:
        if not updates and not inserts:
            return []
        stage, rows = self.stage.table, self.rows
        names = self.stage.columns
        query = (
            sa.select(
                stage.c[ROW],
                stage.c[SHAPE],
                *(stage.c[name].label(f"new{i}") for i, name in enumerate(names)),
                *(rows.c[name].label(f"old{i}") for i, name in enumerate(names)),
            )
            .select_from(stage.outerjoin(rows, self.same_key(stage)))
            # Numbers rather than a query: without an index over them, all of the stage is looked through, once.
            .where(stage.c[ROW].in_([*updates, *inserts]))
        )
        found = {row[0]: row[1:] for row in self._connection.execute(query)}
        return [
            *(self._change(UPDATE, found[number]) for number in updates),
            *(self._change(INSERT, found[number]) for number in inserts),
        ]

    def _deletions(self, deletes: Sequence[int]) -> list[Change]:
        if not deletes:
            return []
        doomed = self.doomed
        query = sa.select(*(doomed.c[name] for name in self.key)).where(doomed.c[ROW].in_(deletes))
        found = self._connection.execute(query.order_by(doomed.c[ROW]))
        return [Change(action="delete", key=key_text(self.key, row)) for row in found]

    def _change(self, action: str, row: Sequence[Any]) -> Change:
        shape, cells = row[0], row[1:]
        names = self.stage.columns
        new, old = (
            dict(zip(names, cells[: len(names)], strict=True)),
            dict(zip(names, cells[len(names) :], strict=True)),
        )
        carried = [name for name in names if self.stage.carried_by(shape, name)]
        changed = [
            CellChange(column=name, old=_shown(old[name]) if action == UPDATE else None, new=_shown(new[name]))
            for name in carried
            if name not in self.key and (action == INSERT or new[name] != old[name])
        ]
        return Change(
            action=_ACTIONS[action], key=key_text(self.key, [new[name] for name in self.key]), cells=tuple(changed)
        )

    def _has(self, action: str) -> bool:
        counts = self.counts
        return {INSERT: counts.inserts, UPDATE: counts.updates, DELETE: counts.deletes}[action] > 0


def raw(target: TargetTable) -> sa.TableClause:
    """The target with untyped columns, so that values come and go as the driver has them."""
    names = [*target.names, *(["rowid"] if target.rowid else [])]
    return sa.table(target.name, *(sa.column(name) for name in names), schema=target.schema)


def duplicated_keys(connection: sa.Connection, target: TargetTable, limit: int = 5) -> Sequence[str]:
    """Keys that more than one row of the target has, where no unique constraint forbids it."""
    if any(set(names) == set(target.key) for names in target.unique):
        return ()
    rows = raw(target)
    keys = [rows.c[name] for name in target.key]
    query = (
        sa.select(*keys)
        .where(*(key.isnot(None) for key in keys))
        .group_by(*keys)
        .having(sa.func.count() > 1)
        .limit(limit)
    )
    return [key_text(target.key, row) for row in connection.execute(query)]


def _shown(value: Any) -> str | None:
    if isinstance(value, dict | list):  # JSON, as the driver reads it
        value = json.dumps(value, ensure_ascii=False)
    return None if value is None else str(value)[:_CELL_LIMIT]
