"""Writing units: a range of positions over all tables, each in its turn, with the way back taken down.

Rows go before others come, children before parents; then rows come, what is referred to first. What a circle of
references left open is filled in at the end, when all rows are there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.result import Counts
from validate_updates.targets.prepared import prepare
from validate_updates.targets.trouble import Blame, Trouble
from validate_updates.targets.write import Writer
from validate_updates.units.creating import Creation
from validate_updates.units.declared import Missing
from validate_updates.units.plan import unit_plan
from validate_updates.units.ranges import put
from validate_updates.units.sought import ID
from validate_updates.writing import IGNORED, NotWritten

if TYPE_CHECKING:
    from validate_updates.context import BatchInfo
    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.capture import Capture
    from validate_updates.units.plan import Part, UnitPlan
    from validate_updates.units.tree import Pointer


def unit_writer(
    database: Database, connection: sa.Connection, plan: Plan, captures: Mapping[str, Capture | None]
) -> UnitWriter:
    """What writes a plan of units. ``captures``: by the name of the table, for the undo log."""
    return UnitWriter(database, connection, unit_plan(plan), captures)


class UnitWriter:
    """The :class:`~validate_updates.writing.Writing` of units."""

    def __init__(
        self, database: Database, connection: sa.Connection, plan: UnitPlan, captures: Mapping[str, Capture | None]
    ) -> None:
        self.table = plan.target.name
        self._plan = plan
        parts = plan.in_order()
        self._tables = [_Table(plan, part, connection, captures.get(part.member.name)) for part in parts]
        for table in self._tables:
            for creation in table.creations():
                # Another table's rows may mean the same, and be written earlier.
                first = next(one for one in self._tables if creation.sought in one.waits_for)
                first.created.append(creation)
        deferred = ((part, database.deferred(connection, part)) for part in parts)
        self._deferred = [(part.member.name, keys) for part, keys in deferred if keys]

    def write(self, stretches: Sequence[Sequence[BatchInfo]]) -> Counts:
        """See :class:`~validate_updates.writing.Writing`."""
        first, last = stretches[0][0].first, stretches[-1][-1].last
        for _, keys in self._deferred:
            keys.begin()
        for table in self._each(backwards=True):
            table.delete(stretches)
        for table in self._each():
            table.put(stretches)
        for table in self._each():
            table.fill_in(first, last)
        for table in self._each():
            table.check(first, last)
        for name, keys in self._deferred:
            self.table = name
            trouble = keys.violated(first, last)
            if trouble:
                raise NotWritten(trouble)
        for table in self._each():
            table.log(stretches)
        return self._units(stretches)

    def _each(self, *, backwards: bool = False) -> Iterator[_Table]:
        for table in reversed(self._tables) if backwards else self._tables:
            self.table = table.name
            yield table

    def _units(self, stretches: Sequence[Sequence[BatchInfo]]) -> Counts:
        root = next(table for table in self._tables if table.part.member.parent is None)
        units = sum(self._plan.to_write(stretch[0].first, stretch[-1].last) for stretch in stretches)
        inserted, deleted = root.written.inserted, root.written.deleted
        return Counts(inserted=inserted, updated=units - inserted - deleted, deleted=deleted)


class _Table:
    """One table's share of a range."""

    def __init__(self, plan: UnitPlan, part: Part, connection: sa.Connection, capture: Capture | None) -> None:
        self.name = part.member.name
        self.part = part
        self.written = Counts()
        """By the last write."""
        self._plan = plan
        self._connection = connection
        self._capture = capture
        self._writer = Writer(part, connection)
        self._waiting = [
            one
            for one in part.member.pointers
            for sought in [plan.sought[one.sought.number]]
            if sought.pending and sought.is_named_in(part.resolved.stage, one)
        ]
        """Pointers of which rows may be meant that are only to be written."""
        self.waits_for = [plan.sought[one.sought.number] for one in self._waiting]
        self.created: list[Creation] = []
        """What is to be made before its rows are put."""
        self._fillings: list[Prepared] | None = None
        self._open: list[Prepared] | None = None

    def creations(self) -> Iterator[Creation]:
        """Makes rows that its records mean, where the settings ask for it."""
        entries = self._capture.entries if self._capture else None
        for one in self._waiting if self.part.counts.size else ():
            if one.missing is Missing.CREATE:
                yield Creation(self.part, one, self._plan.sought[one.sought.number], self._connection, entries)

    def delete(self, stretches: Sequence[Sequence[BatchInfo]]) -> None:
        """Rows that go."""
        deleted = 0
        if self.part.counts.deletes:
            if self._capture:
                _take_down(self._capture.before_deletes, stretches)
            deleted = self._writer.delete(*_span(stretches))
        self.written = Counts(deleted=deleted)

    def put(self, stretches: Sequence[Sequence[BatchInfo]]) -> None:
        """Rows that come or change; what refers to them can find them from now on."""
        first, last = _span(stretches)
        for creation in self.created:
            creation.create(stretches)
        if self._capture:
            _take_down(self._capture.before_updates, stretches)
        put = self._writer.put(first, last)
        self.written = Counts(inserted=put.inserted, updated=put.updated, deleted=self.written.deleted)
        if put.inserted or put.updated:
            for sought in self._plan.sought.values():
                if sought.sought.target.name == self.name:
                    sought.written(self.part.table, first, last)

    def fill_in(self, first: int, last: int) -> None:
        """Columns that could not be written before all rows were there."""
        if self._fillings is None:
            deferred = [one for one in self._waiting if one.number in self._plan.tree.deferred]
            self._fillings = [prepare(self._filling(pointer), self._connection) for pointer in deferred]
        for statement in self._fillings:
            statement.run(self._connection, first=first, last=last)

    def check(self, first: int, last: int) -> None:
        """Whether all of it landed, and every row that is meant is there."""
        written = self.written
        missing = self.part.written_in(first, last) - written.inserted - written.updated - written.deleted
        if missing and self.part.not_landed(first, last):
            raise NotWritten(IGNORED)
        if self._open is None:
            self._open = [prepare(self._still_open(pointer), self._connection) for pointer in self._waiting]
        for statement, pointer in zip(self._open, self._waiting, strict=True):
            if statement.count(self._connection, first=first, last=last):
                raise NotWritten(_not_there(pointer))

    def log(self, stretches: Sequence[Sequence[BatchInfo]]) -> None:
        """The rows as they were left."""
        if self._capture:
            _take_down(self._capture.after, stretches)

    def _filling(self, pointer: Pointer) -> sa.Update:
        part, rows, records = self.part, self.part.rows, self.part.stage.table
        key = [records.c[name].label(f"k{at}") for at, name in enumerate(part.key)]
        source = sa.select(records.c[pointer.column].label("filled"), *key)
        source = source.select_from(part.table.join(records, records.c["vu_row"] == part.table.c.row))
        source = source.where(put(self.part), records.c[pointer.column].isnot(None))
        if self._connection.dialect.name == "sqlite":
            source = source.limit(-1)
        filled = source.subquery("filled")
        same = (filled.c[f"k{at}"] == rows.c[name] for at, name in enumerate(part.key))
        other = rows.c[pointer.column].is_distinct_from(filled.c.filled)
        return sa.update(rows).values({pointer.column: filled.c.filled}).where(*same, other)

    def _still_open(self, pointer: Pointer) -> sa.Select[int]:
        """Rows at some positions that mean a row which is not there."""
        part, stage = self.part, self.part.resolved.stage
        sought = self._plan.sought[pointer.sought.number]
        found = part.table.join(stage.table, stage.table.c["vu_seq"] == part.table.c.row)
        found = found.join(sought.table, sought.means(pointer, stage))
        return sa.select(sa.func.count()).select_from(found).where(put(self.part), sought.table.c[ID].is_(None))


def _span(stretches: Sequence[Sequence[BatchInfo]]) -> tuple[int, int]:
    return stretches[0][0].first, stretches[-1][-1].last


def _take_down(take_down: Callable[..., None], stretches: Sequence[Sequence[BatchInfo]]) -> None:
    for stretch in stretches:
        take_down(stretch[0].number, stretch[0].first, stretch[-1].last, batch_size=stretch[0].size)


def _not_there(pointer: Pointer) -> Trouble:
    theirs = pointer.sought.target
    return Trouble(
        blame=Blame.RECORD,
        code="NO_SUCH_ROW",
        message=f"{pointer.column}: there is no such row in {theirs.name} (by {', '.join(theirs.key)})",
        constraint=pointer.column,
        column=pointer.column,
        other_rows_matter=True,
    )
