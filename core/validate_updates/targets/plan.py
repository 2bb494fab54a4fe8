"""The change plan: one set-based comparison of the stage with the target, numbered in key order.

Key order makes the writes of the batches that follow sequential; in source order they touch pages at random and write
ten times as much.

On SQLite a position points to a row of the stage, which its rowid finds at once. On PostgreSQL it holds the record
itself: to look up the stage again, for each batch or by a sort of the whole, costs more than to copy it once, in order.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable, DropTable

from validate_updates.result import CellChange, Change
from validate_updates.targets.names import ROW, SEQ, SHAPE
from validate_updates.targets.prepared import prepare
from validate_updates.text import key_text

if TYPE_CHECKING:
    from sqlalchemy.sql.base import ReadOnlyColumnCollection

    from validate_updates.context import BatchInfo
    from validate_updates.targets.base import Database
    from validate_updates.targets.prepared import Prepared
    from validate_updates.targets.stage import Staged
    from validate_updates.targets.table import TargetTable

    Cells = Mapping[str, sa.ColumnElement[Any]] | ReadOnlyColumnCollection[str, Any]
    """Columns of a table of ours, by the names that they have in the target."""

INSERT, UPDATE, DELETE = "I", "U", "D"
UNCHANGED, LEFT_OUT, NOT_DELETED = "=", "X", "Y"
"""Positions of which nothing is written any more: another program did it, the record is kept out, the row stays."""
OF_DELETIONS = (DELETE, NOT_DELETED)
"""Positions that point to a row to delete, and to no record."""
ACTIONS = {INSERT: "insert", UPDATE: "update", DELETE: "delete"}
_CELL_LIMIT = 200
_BATCHES_AHEAD = 200
"""Of which the keys are read along with those of others."""


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

    filled_later = False
    """Whether a row that is written may get cells that are not in the stage before."""

    def __init__(
        self, database: Database, connection: sa.Connection, target: TargetTable, stage: Staged, *, suffix: str = ""
    ) -> None:
        """``suffix``: of the names of the temporary tables, where there are several plans."""
        self.suffix = suffix
        self._database = database
        self._connection = connection
        self.target = target
        self.stage = stage
        self.key = target.key
        self.rows = raw(target)
        """The target without types: values as the driver has them."""
        self._held: dict[str, sa.Column[Any]] = {}
        """The columns of the records, where the plan holds them. Numbered, since one may be called like one of ours."""
        self.table = self._made()
        self.records: sa.FromClause = self.table
        """The positions with their records, whose cells :meth:`cell` names; for deletions these mean nothing."""
        if not self._held:
            self.records = self.table.join(stage.table, stage.table.c[ROW] == self.table.c.row)
        connection.execute(CreateTable(self.table))
        self._kept_out: sa.Table | None = None
        self._keys_read: Mapping[int, str] = {}
        """At the ends of batches, by position."""
        self.counts = Planned(0, 0, 0)
        """What is to be written."""
        self.positions = 0
        """How many were planned; some may have been left out since."""
        self._all_stand = True
        self.settled_kinds = True
        """Whether the kinds of action are those counted; a later comparison may have found others."""

    def _made(self) -> sa.Table:
        more = [sa.Column("tid", sa.BigInteger)] if self.target.rowid else []
        if not self._database.is_sqlite:
            columns, staged = enumerate(self.stage.columns), self.stage.table
            self._held = {name: sa.Column(f"c{number}", staged.c[name].type) for number, name in columns}
            more = [sa.Column(SHAPE, sa.Integer), *self._held.values()]
        return self._table_of_positions(*more)

    def _table_of_positions(self, *more: sa.Column[Any]) -> sa.Table:
        return self._database.temporary(
            f"vu_plan{self.suffix}",
            # SQLite numbers its rows by itself. PostgreSQL's counter and growing index would cost as much as comparing.
            sa.Column("pos", sa.Integer, primary_key=self._database.is_sqlite),
            sa.Column("row", sa.BigInteger),
            sa.Column("action", sa.String(1), nullable=False),
            *more,
        )

    @property
    def pieces(self) -> Sequence[Plan]:
        """The plans of single tables that it consists of."""
        return (self,)

    def metrics(self) -> Mapping[str, float]:
        """What there is to tell beyond the counts."""
        return {}

    def needs(self) -> Iterable[tuple[int, int]]:
        """Positions that cannot be written before others are, beyond what the rules of the table tell: (one, other)."""
        return ()

    def expect_ranges(self) -> None:
        """Small ranges will be asked for."""

    @property
    def number(self) -> sa.Column[Any]:
        """What tells the rows of the plan apart that come or change."""
        return self.table.c.pos

    def entries_from(self, action: str = "") -> int | None:  # noqa: ARG002  # of plans that have such numbers
        """From which the undo log counts entries of that kind, or of rows that go along, where plans share a log."""
        return None

    @property
    def order(self) -> Sequence[sa.Column[Any]]:
        """In which the rows of the plan are written."""
        return (self.table.c.pos,)

    def cell(self, name: str) -> sa.ColumnElement[Any]:
        """That column of the records in :attr:`records`."""
        return self._held[name] if self._held else self.stage.table.c[name]

    @property
    def shape(self) -> sa.ColumnElement[int]:
        """The number of the record's shape, in :attr:`records`."""
        return (self.table if self._held else self.stage.table).c[SHAPE]

    @property
    def seq(self) -> sa.ColumnElement[int]:
        """The record's number in the source, in :attr:`records`."""
        return self.table.c.row if self._held else self.stage.table.c[SEQ]  # PostgreSQL's stage has one number for both

    def carries(self, name: str) -> sa.ColumnElement[bool] | None:
        """Whether a record of :attr:`records` carries a column; None where all do."""
        return self.stage.carries(name, self.shape)

    def compare(self) -> Planned:
        """Fill the plan with what differs."""
        stage, rows = self.stage.table, self.rows
        is_new = rows.c[self.key[0]].is_(None)
        picked: list[Any] = [stage.c[ROW], sa.case((is_new, INSERT), else_=UPDATE)]
        names = ["row", "action"]
        if self.target.rowid:
            picked.append(rows.c.rowid)
            names.append("tid")
        if self._held:
            picked += [stage.c[SHAPE], *(stage.c[name] for name in self._held)]
            names += [SHAPE, *(column.name for column in self._held.values())]
        found = stage.outerjoin(rows, self.same_key(stage.c))
        query = sa.select(*picked).select_from(found).where(sa.or_(is_new, self._differs(stage.c, stage.c[SHAPE])))
        self._number_found(self._fill(names, query, [stage.c[name] for name in self.key]))
        self._filled()
        return self.counts

    def _number_found(self, size: int, updates: int | None = None) -> None:
        """So many positions were found, for records to insert and to update; these are counted where nobody knows."""
        if updates is None:
            (updates,) = self._numbers_of((UPDATE,), self.table)
        self.counts = Planned(size - updates, updates, 0)

    def _filled(self) -> None:
        plan = self.table
        if not self._database.is_sqlite:
            sa.Index("vu_plan_pos", plan.c.pos, unique=True).create(self._connection)
        self._database.analyze(self._connection, plan, ["pos", "row", "action"])
        self.positions = self.counts.size

    def _fill(self, names: Sequence[str], query: sa.Select[Any], order: Sequence[sa.ColumnElement[Any]]) -> int:
        """Add what ``query`` finds, numbered from the next position on; how many that is."""
        names, query = list(names), query.order_by(*order)
        if not self._database.is_sqlite:
            position = sa.func.row_number().over(order_by=list(order)) + self.positions
            names, query = [*names, "pos"], query.add_columns(position)
        return self._insert(self.table, names, query)

    def _insert(self, table: sa.Table, names: Sequence[str], query: sa.Select[Any]) -> int:
        """Add what ``query`` finds to a table of ours; how many rows that is."""
        insert = table.insert().from_select(names, query).execution_options(preserve_rowcount=True)
        return self._connection.execute(insert).rowcount

    def add_missing(self) -> Planned:
        """Add the deletion of every row of the target whose key the stage does not have."""
        stage, rows = self.stage.table, self.rows
        doomed = self.doomed
        self._connection.execute(CreateTable(doomed))
        columns = [rows.c[name] for name in self.key]
        absent = ~sa.exists().where(self.same_key(stage.c))
        # A row whose key is null cannot be in a source that this key tells apart; it is none of its rows.
        named = [column.isnot(None) for column in columns]
        keys = sa.select(*columns).where(absent, *named).order_by(*columns)
        self._connection.execute(doomed.insert().from_select(list(self.key), keys))
        deletes = sa.select(doomed.c[ROW], sa.literal_column(f"'{DELETE}'"))
        self.counts = replace(self.counts, deletes=self._fill(["row", "action"], deletes, [doomed.c[ROW]]))
        self._database.analyze(self._connection, doomed, [ROW, *self.key])
        self.positions = self.counts.size
        return self.counts

    @cached_property
    def doomed(self) -> sa.Table:
        """Keys of the rows to delete."""
        return self._table_of_keys()

    def _table_of_keys(self, *more: sa.Column[Any]) -> sa.Table:
        return self._database.temporary(
            f"vu_doomed{self.suffix}",
            sa.Column(ROW, sa.Integer, primary_key=True),
            *more,
            *(sa.Column(name, self.stage.table.c[name].type) for name in self.key),
        )

    @property
    def deletions(self) -> sa.FromClause:
        """The positions with the keys to delete."""
        return self.table.join(self.doomed, self.doomed.c[ROW] == self.table.c.row)

    @cached_property
    def cells(self) -> Mapping[str, sa.ColumnElement[Any]]:
        """The columns of the records in :attr:`records`, by name."""
        return {name: self.cell(name) for name in self.stage.columns}

    def becomes(self, name: str) -> sa.ColumnElement[Any]:
        """What a record of :attr:`records` leaves in that column of its row, which has to be joined."""
        if name in self.key or name not in self.stage.columns:
            return self.rows.c[name]
        new, carried = self.cell(name), self.carries(name)
        return new if carried is None else sa.case((carried, new), else_=self.rows.c[name])

    def same_key(self, ours: Cells) -> sa.ColumnElement[bool]:
        """Equality of the key in columns of ours and in the target, under the collation of the key's own index."""
        return sa.and_(*(ours[name] == self.rows.c[name] for name in self.key))

    def _differs(self, ours: Cells, shape: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        names = [name for name in self.stage.columns if name not in self.key]
        return sa.or_(sa.false(), *(self._cell_differs(name, ours[name], shape) for name in names))

    def _refers_ahead(self, row: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:  # noqa: ARG002  # its parts know more
        """Whether what a staged row refers to is only to be written, so that its cells do not tell yet."""
        return sa.false()

    def _cell_differs(
        self, name: str, ours: sa.ColumnElement[Any], shape: sa.ColumnElement[int]
    ) -> sa.ColumnElement[bool]:
        column = self.target.column(name)
        new, old = self._database.comparable(column, ours), self._database.comparable(column, self.rows.c[name])
        # Our column stands left: it has no collation of its own, so that 'a' and 'A' differ everywhere.
        differs = new.is_distinct_from(old)
        carried = self.stage.carries(name, shape)
        return differs if carried is None else sa.and_(carried, differs)

    def _count(self) -> Planned:
        self.counts = Planned(*self._numbers_of((INSERT, UPDATE, DELETE), self.table))
        return self.counts

    def _numbers_of(self, actions: Sequence[str], found: sa.FromClause) -> Sequence[int]:
        """How many there are of each action. Grouping by it, SQLite would sort them all."""
        numbers = (sa.func.count().filter(self.table.c.action == action) for action in actions)
        return tuple(self._connection.execute(sa.select(*numbers).select_from(found)).one())

    def landed(self) -> Planned:
        """What of the plan stands in the target now, recounted by key. Call :meth:`recount` first."""
        there = self.records.join(self.rows, self.same_key(self.cells))
        inserted, updated = self._numbers_of((INSERT, UPDATE), there)
        return Planned(inserted, updated, self.counts.deletes - self._not_deleted())

    def rows_made(self) -> int:
        """Rows of the target that no record is about, and that were made since records refer to them."""
        return 0

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
        plan, rows = self.table, self.rows
        found = self.records.outerjoin(rows, self.same_key(self.cells))
        gone = rows.c[self.key[0]].is_(None)
        amiss = sa.or_(gone, sa.and_(plan.c.action == UPDATE, self._differs(self.cells, self.shape)))
        query = sa.select(sa.func.count()).select_from(found)
        query = query.where(self._between(first, last), plan.c.action.in_((INSERT, UPDATE)), amiss)
        return int(self._connection.execute(query).scalar_one()) + self._not_deleted(self._between(first, last))

    def _not_deleted(self, *among: sa.ColumnElement[bool]) -> int:
        """Rows that should have gone and are there; ``among``: conditions on the plan."""
        if not self.counts.deletes:
            return 0
        found = self.deletions.join(self.rows, self.same_key(self.doomed.c))
        query = sa.select(sa.func.count()).select_from(found).where(self.table.c.action == DELETE, *among)
        return int(self._connection.execute(query).scalar_one())

    def doomed_keys(self, first: int, last: int, limit: int) -> Sequence[str]:
        """A few keys of rows that are to be deleted at these positions, as text for people."""
        return self._keys_to_delete(limit, self._between(first, last))

    def _keys_to_delete(self, limit: int, *among: sa.ColumnElement[bool]) -> list[str]:
        if limit <= 0 or not self.counts.deletes:
            return []
        query = sa.select(*(self.doomed.c[name] for name in self.key)).select_from(self.deletions)
        query = query.where(self.table.c.action == DELETE, *among).order_by(self.table.c.pos).limit(limit)
        return [key_text(self.key, values) for values in self._connection.execute(query)]

    def leave_out(self, first: int, last: int) -> int:
        """Write nothing of the positions ``first`` to ``last``, now or later; how many that concerns."""
        self._all_stand = False
        return self._leaving_out.run(self._connection, first=first, last=last)

    @cached_property
    def _leaving_out(self) -> Prepared:
        first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
        instead = sa.case((self.table.c.action == DELETE, NOT_DELETED), else_=LEFT_OUT)
        here = self.table.c.pos.between(first, last)
        return prepare(self.table.update().where(here, self._is_written()).values(action=instead), self._connection)

    def keep_out(self, numbers: Sequence[int]) -> list[int]:
        """Keep staged rows, by their number, out of the plan; those of them that were not kept out before.

        Call :meth:`drop_kept_out` after the last of them. Raises ``LookupError`` where the stage has no such row.
        """
        fresh, staged = self._fresh(numbers)
        insert = self._table_of_kept_out().insert().from_select(["row"], staged)
        if fresh and self._connection.execute(insert.execution_options(preserve_rowcount=True)).rowcount < len(fresh):
            raise LookupError("a record that is not staged")
        return fresh

    def would_keep_out(self, numbers: Sequence[int]) -> list[int]:
        """What :meth:`keep_out` would give or raise; nothing is kept out."""
        fresh, staged = self._fresh(numbers)
        if len(self._connection.scalars(staged).all()) < len(fresh):
            raise LookupError("a record that is not staged")
        return fresh

    def _fresh(self, numbers: Sequence[int]) -> tuple[list[int], sa.Select[int]]:
        """Numbers that are not kept out yet, and the query for those of them that are staged."""
        kept_out, stage = self._table_of_kept_out(), self.stage.table
        given = list(dict.fromkeys(numbers))
        known = set(self._connection.scalars(sa.select(kept_out.c.row).where(_among(kept_out.c.row, given))))
        fresh = [number for number in given if number not in known]
        return fresh, sa.select(stage.c[ROW]).where(_among(stage.c[ROW], fresh))

    def owners(self, rows: Sequence[tuple[str, int]]) -> Sequence[tuple[int, str]]:
        """Of rows staged for tables: the number of the record of each, and how a message about a child begins.

        Raises ``LookupError`` where there is no such table, or no such child.
        """
        for table, _ in rows:
            if table != self.target.name:
                raise LookupError(f"a record of {table!r}, which is no table of the task")
        return [(row, "") for _, row in rows]

    def drop_kept_out(self) -> None:
        """Positions of rows that were kept out go; the others stay where they are until :meth:`close_ranks`."""
        plan, kept_out = self.table, self._table_of_kept_out()
        theirs = plan.c.row.in_(sa.select(kept_out.c.row))
        self._connection.execute(plan.delete().where(plan.c.action != DELETE, theirs))
        self._count()

    def close_ranks(self) -> None:
        """Number the positions that are left from 1 on."""
        plan = self.table
        names = [column.name for column in plan.columns]
        kept = self._database.temporary("vu_kept", *(sa.Column(c.name, c.type) for c in plan.c))
        self._connection.execute(CreateTable(kept))
        self._connection.execute(kept.insert().from_select(names, sa.select(plan)))
        self._connection.execute(DropTable(plan))
        self._connection.execute(CreateTable(plan))
        self.positions = 0
        names.remove("pos")
        self._fill(names, sa.select(*(kept.c[name] for name in names)), [kept.c.pos])
        self._connection.execute(DropTable(kept))
        self._count()
        self._filled()

    def _table_of_kept_out(self) -> sa.Table:
        if self._kept_out is None:
            row = sa.Column("row", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True)
            row.autoincrement = False
            self._kept_out = self._database.temporary("vu_kept_out", row)
            self._connection.execute(CreateTable(self._kept_out))
            self._expect_lookups()
        return self._kept_out

    def _expect_lookups(self) -> None:
        if not self._database.is_sqlite:  # which finds rows of the stage by their rowid
            sa.Index("vu_stage_row", self.stage.table.c[ROW]).create(self._connection)
            self._database.analyze(self._connection, self.stage.table, [ROW])

    def kept_out_numbers(self) -> Sequence[int]:
        """Numbers of the staged rows that were kept out of the plan."""
        kept_out = self._table_of_kept_out()
        return list(self._connection.scalars(sa.select(kept_out.c.row)))

    def left_out(self) -> frozenset[int]:
        """Numbers of the staged rows that are not written: kept out before their batch was tried, or of their batch."""
        rows = set(self._connection.scalars(sa.select(self.table.c.row).where(self.table.c.action == LEFT_OUT)))
        if self._kept_out is not None:
            rows.update(self._connection.scalars(sa.select(self._kept_out.c.row)))
        return frozenset(rows)

    def put_aside(self, first: int, last: int) -> None:
        """For the time being, write nothing of the positions ``first`` to ``last``."""
        self._all_stand = False
        written = self._between(first, last) & self._is_written()
        self._connection.execute(self.table.update().where(written).values(action=sa.func.lower(self.table.c.action)))

    def take_up(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Write these positions after all."""
        first, last = (sa.bindparam(name, type_=sa.Integer) for name in ("first", "last"))
        within = self.table.c.pos.between(first, last)
        statement = self.table.update().where(within).values(action=sa.func.upper(self.table.c.action))
        self._connection.execute(statement, [{"first": one, "last": other} for one, other in ranges])

    def refresh(self, first: int, last: int) -> None:
        """Compare these positions with the target as it stands now: other programs may have changed it."""
        if self._refreshing.run(self._connection, first=first, last=last):
            self._all_stand = False
            self.settled_kinds = False

    @cached_property
    def _refreshing(self) -> Prepared:
        plan, rows = self.table, self.rows
        differs = sa.or_(self._differs(self.cells, self.shape), self._refers_ahead(plan.c.row))
        action = sa.case((rows.c[self.key[0]].is_(None), INSERT), (differs, UPDATE), else_=UNCHANGED)
        first, last = (sa.bindparam(name, None, type_=sa.Integer) for name in ("first", "last"))
        here = plan.c.pos.between(first, last)  # of both sides: PostgreSQL would read all of the plan
        found = [
            *(column.label(f"at{place}") for place, column in enumerate(self.order)),
            action.label("now"),
            *([rows.c.rowid.label("place")] if self.target.rowid else []),
        ]
        pending = plan.c.action.in_((INSERT, UPDATE))
        now = (
            sa.select(*found)
            .select_from(self.records.outerjoin(rows, self.same_key(self.cells)))
            .where(here, pending)
            .subquery("compared")
        )
        other, values = [plan.c.action != now.c.now], {"action": now.c.now}
        if self.target.rowid:
            other, values = [*other, plan.c.tid.is_distinct_from(now.c.place)], {**values, "tid": now.c.place}
        same = (column == now.c[f"at{place}"] for place, column in enumerate(self.order))
        statement = plan.update().values(values).where(*same, here, pending, sa.or_(*other))
        return prepare(statement, self._connection)

    def recount(self) -> Planned:
        """Count again what is to be written, after some was left out."""
        return self.counts if self._all_stand else self._count()

    def _between(self, first: int, last: int) -> sa.ColumnElement[bool]:
        return self.table.c.pos.between(first, last)

    def _is_written(self) -> sa.ColumnElement[bool]:
        return self.table.c.action.in_((INSERT, UPDATE, DELETE))

    def keys_at(self, positions: Sequence[int]) -> dict[int, str]:
        """The keys at some positions, as text for people."""
        queries = [self._keys_of_records, *([self._keys_of_deletions] if self.counts.deletes else [])]
        found = (row for query in queries for row in self._connection.execute(query, {"positions": list(positions)}))
        return {position: key_text(self.key, values) for position, *values in found}

    def keys_at_ends(self, batches: Sequence[BatchInfo]) -> Mapping[int, str]:
        """The keys at both ends of each batch, as text for people.

        Those of the batches after them are read along: to ask for each group takes longer than to read many.
        """
        ends = {position for batch in batches for position in (batch.first, batch.last)}
        if not ends <= self._keys_read.keys():
            last, size = batches[-1].last, batches[-1].size
            beyond = min(last + size * _BATCHES_AHEAD, self.positions) + 1
            ends.update(range(last + 1, beyond, size), range(last + size, beyond, size), [beyond - 1])
            self._keys_read = self.keys_at(sorted(ends))
        return self._keys_read

    @cached_property
    def _keys_of_records(self) -> sa.Select[Any]:
        pos, action = self.table.c.pos, self.table.c.action
        staged = sa.select(pos, *(self.cell(name) for name in self.key)).select_from(self.records)
        return staged.where(action.not_in(OF_DELETIONS), self._database.among(pos, "positions"))

    @cached_property
    def _keys_of_deletions(self) -> sa.Select[Any]:
        pos, action = self.table.c.pos, self.table.c.action
        doomed = sa.select(pos, *(self.doomed.c[name] for name in self.key)).select_from(self.deletions)
        return doomed.where(action.in_(OF_DELETIONS), self._database.among(pos, "positions"))

    def key_at(self, position: int) -> str:
        """The key at a position, as text for people."""
        return self.keys_at([position])[position]

    def sample(self, limit: int) -> tuple[Change, ...]:
        """Up to ``limit`` changes, old and new cells side by side, spread over the kinds of action."""
        updates = self._changes(UPDATE, max(limit * 6 // 10, 1))
        inserts = self._changes(INSERT, limit - len(updates))
        doomed = self._keys_to_delete(limit - len(updates) - len(inserts))
        return (*updates, *inserts, *(Change(action="delete", key=key) for key in doomed))[:limit]

    def _changes(self, action: str, limit: int) -> list[Change]:
        if limit <= 0 or not self._has(action):
            return []
        names = self.stage.columns
        new = [self.cell(name).label(f"new{number}") for number, name in enumerate(names)]
        old = [self.rows.c[name].label(f"old{number}") for number, name in enumerate(names)]
        query = sa.select(self.shape, *new, *old).select_from(
            self.records.outerjoin(self.rows, self.same_key(self.cells))
        )
        first = query.where(self.table.c.action == action).order_by(*self.order).limit(limit)
        return [self._change(action, row) for row in self._connection.execute(first)]

    def _shown_key(self, values: Sequence[Any]) -> str:
        return key_text(self.key, values)

    def _change(self, action: str, row: Sequence[Any]) -> Change:
        shape, cells = row[0], row[1:]
        names = self.stage.columns
        new, old = (
            dict(zip(names, cells[: len(names)], strict=True)),
            dict(zip(names, cells[len(names) :], strict=True)),
        )
        carried = [name for name in names if self.stage.carried_by(shape, name)]
        changed = [
            CellChange(column=name, old=shown_cell(old[name]) if action == UPDATE else None, new=shown_cell(new[name]))
            for name in carried
            if name not in self.key and (action == INSERT or new[name] != old[name])
        ]
        return Change(
            action=ACTIONS[action], key=self._shown_key([new[name] for name in self.key]), cells=tuple(changed)
        )

    def _has(self, action: str) -> bool:
        counts = self.counts
        return {INSERT: counts.inserts, UPDATE: counts.updates, DELETE: counts.deletes}[action] > 0


def _among(column: sa.ColumnElement[Any], numbers: Sequence[int]) -> sa.ColumnElement[bool]:
    """Numbers of our own, written out: there may be more of them than a statement takes parameters."""
    return column.in_(sa.bindparam(None, list(numbers), expanding=True, literal_execute=True))


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


def shown_cell(value: Any) -> str | None:
    """A cell as people read it, bounded."""
    if isinstance(value, dict | list):  # JSON, as the driver reads it
        value = json.dumps(value, ensure_ascii=False)
    return None if value is None else str(value)[:_CELL_LIMIT]
