"""A stage with the database's own keys in place, as a temporary view: what a plan compares and a writer writes.

A view is worked out when it is asked. So a row that refers to another one, which was written a moment ago, has the key
that the database gave to that, without a word from us.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.context import Link
from validate_updates.targets.names import ROW, SEQ, SHAPE, UNIT
from validate_updates.targets.plan import raw
from validate_updates.targets.stage import Staged
from validate_updates.units.sought import ID

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from validate_updates.shapes import Shape
    from validate_updates.targets.base import Database
    from validate_updates.units.sought import SoughtRows
    from validate_updates.units.staging import MemberStage
    from validate_updates.units.tree import Member, Pointer


class Resolved(Staged):
    """The view ``vu_rows_N``: ``vu_row``, ``vu_seq``, ``vu_shape``, ``vu_unit``, and the table's columns."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        stage: MemberStage,
        parent: Resolved | None,
        sought: Mapping[int, SoughtRows],
    ) -> None:
        """``sought``: what each pointer is looked up in, by its number."""
        self.member = stage.member
        target = self.member.target
        super().__init__(database, target, database.key_collations(connection, target.sql, target.key))
        self.stage = stage
        self._parent = parent
        self._sought = sought
        self._shapes = {shape.number: self._as_target(shape) for shape in stage.shapes}
        carried = {name for shape in self._shapes.values() for name in shape.columns} | set(target.key)
        names = [name for name in target.names if name in carried]
        self.table = sa.Table(
            f"vu_rows_{self.member.number}",
            sa.MetaData(),
            *(sa.Column(name, sa.BigInteger) for name in (ROW, SEQ, SHAPE, UNIT)),
            *(self._column(name) for name in names),
        )
        self._create(connection, names)

    @property
    def links(self) -> tuple[Link, ...]:
        """The foreign key to the parent, and the pointers to whose columns no record gives a value."""
        member, own = self.member, self.stage.table.c
        found = [
            Link(columns=(pointer.column,), table=pointer.sought.target.name, theirs=(pointer.sought.to,))
            for pointer in member.pointers
            if pointer.column not in own
        ]
        if self._parent:
            theirs = tuple(column for _, column in member.joint)
            found.append(Link(columns=member.joined, table=self._parent.member.name, theirs=theirs))
        return tuple(found)

    @property
    def looks_alike(self) -> bool:
        """Whether keys that are written in two ways can be one: by a collation, or as a number and by a natural key."""
        own = self.stage.table.c
        pointers = [one for one in self.member.pointers if one.column in self.member.target.key]
        twofold = any(one.column in own and set(one.cells.values()) <= set(own.keys()) for one in pointers)
        return twofold or any(self._sought[one.number].collations for one in pointers) or bool(self._collations)

    def listing(self, child: Member) -> list[int]:
        """Shapes of the records that list children of that table."""
        return [number for number in self._shapes if child.number in self.stage.lists[number]]

    def waiting(self) -> Iterator[sa.Select[int]]:
        """Numbers of rows that refer to a row which is only to be written: their cell is null so far."""
        for pointer in self.member.pointers:
            keys, stage = self._sought[pointer.number], self.stage
            if keys.pending and keys.is_named_in(stage, pointer):
                named = stage.table.join(keys.table, keys.means(pointer, stage))
                yield sa.select(stage.table.c[SEQ]).select_from(named).where(keys.table.c[ID].is_(None))

    def superseded(self) -> sa.Select[int]:
        """Numbers of rows whose key a later row has too."""
        records, stage = self.table, self.stage.table
        same = [element for name in self.member.target.key for element in self._told_apart_by(name)]
        newest_first = sa.func.row_number().over(partition_by=same, order_by=stage.c[SEQ].desc())
        found = records.join(stage, stage.c[SEQ] == records.c[ROW])
        ranked = sa.select(stage.c[SEQ], newest_first.label("place")).select_from(found).subquery("ranked")
        return sa.select(ranked.c[SEQ]).where(ranked.c.place > 1).order_by(ranked.c[SEQ])

    def _told_apart_by(self, name: str) -> list[sa.ColumnElement[Any]]:
        """A column of the key; where its row is only to be written, what it will be the key of."""
        stage, resolved, pointer = self.stage.table, self.table.c[name], self.member.pointer(name)
        cells = (
            [] if pointer is None or not set(pointer.cells.values()) <= set(stage.c.keys()) else pointer.cells.values()
        )
        instead = [stage.c[self.member.up]] if name in self.member.joined else [stage.c[ours] for ours in cells]
        return [resolved, *(sa.case((resolved.is_(None), one)) for one in instead)]

    def _as_target(self, shape: Shape) -> Shape:
        """A shape of the stage, as columns of the table."""
        member = self.member
        pointed = {one.column for one in member.pointers if set(one.cells.values()) <= set(shape.columns)}
        carried = {*member.joined, *pointed, *shape.columns}
        return replace(shape, columns=tuple(name for name in member.target.names if name in carried))

    def _create(self, connection: sa.Connection, names: Sequence[str]) -> None:
        stage = self.stage.table
        found: sa.FromClause = stage
        cells: dict[str, sa.ColumnElement[Any]] = {name: stage.c[name] for name in names if name in stage.c}
        if self._parent:
            found = self._join_parent(found, self._parent, cells)
        for pointer in self.member.pointers:
            if set(pointer.cells.values()) <= set(stage.c.keys()):
                found = self._join_pointer(found, pointer, cells)
        head = [stage.c[SEQ].label(ROW), stage.c[SEQ], stage.c[SHAPE], self.stage.unit.label(UNIT)]
        query = sa.select(*head, *(self._cell(name, cells).label(name) for name in names)).select_from(found)
        sql = query.compile(dialect=connection.dialect, compile_kwargs={"literal_binds": True})
        cursor = connection.connection.cursor()
        cursor.execute(f"CREATE TEMPORARY VIEW {self.table.name} AS {sql}")
        cursor.close()

    def _cell(self, name: str, cells: Mapping[str, sa.ColumnElement[Any]]) -> sa.ColumnElement[Any]:
        """A column of the view; null where no record has the like."""
        if name in cells:
            return cells[name]
        return sa.null() if self._database.is_sqlite else sa.cast(sa.null(), self.table.c[name].type)

    def _join_parent(
        self, found: sa.FromClause, parent: Resolved, cells: dict[str, sa.ColumnElement[Any]]
    ) -> sa.FromClause:
        """The columns of the foreign key: from the parent's record, or from the row that it became."""
        records = parent.table.alias("up_records")
        # Every child has its parent's record. Asked for an outer join, SQLite would work out all of the view first.
        found = found.join(records, records.c[ROW] == self.stage.table.c[self.member.up])
        rows = raw(parent.member.target).alias("up_rows")
        key = parent.member.target.key
        if any(theirs not in key for _, theirs in self.member.joint):
            same = sa.and_(*(records.c[name] == rows.c[name] for name in key))
            found = found.outerjoin(rows, same)
        for ours, theirs in self.member.joint:
            cells[ours] = records.c[theirs] if theirs in key else rows.c[theirs]
        return found

    def _join_pointer(
        self, found: sa.FromClause, pointer: Pointer, cells: dict[str, sa.ColumnElement[Any]]
    ) -> sa.FromClause:
        rows = self._sought[pointer.number]
        alias = rows.table.alias(f"sought_{pointer.number}")
        same = rows.means(pointer, self.stage, alias)
        given = cells.get(pointer.column)
        cells[pointer.column] = alias.c[ID] if given is None else sa.func.coalesce(alias.c[ID], given)
        return found.outerjoin(alias, same)
