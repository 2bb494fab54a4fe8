"""Rows that a deletion takes with it, or empties a cell of, by foreign keys: they go into the undo log too.

They are found before the batch is written, level by level, and noted by their address in a temporary table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.targets.plan import DELETE, UPDATE
from validate_updates.targets.prepared import prepare
from validate_updates.undo.images import Spelled
from validate_updates.undo.ranges import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.plan import Plan
    from validate_updates.targets.prepared import Prepared
    from validate_updates.undo.entries import Entries
    from validate_updates.undo.images import Element
    from validate_updates.undo.references import Place, Reach, Reference

NAME: Final = "vu_swept"
_PLANNED: Final = "P"
"""A row that the plan deletes; it is in the log already."""


class Swept:
    """The temporary table ``vu_swept``: a row's table and address, what becomes of it, and why: position and level."""

    def __init__(
        self,
        database: Database,
        connection: sa.Connection,
        plan: Plan,
        reach: Reach,
        entries: Entries,
    ) -> None:
        self._database = database
        self._connection = connection
        self._plan = plan
        self._reach = reach
        self._used = plan.entries_from() or 2 * plan.positions + 1  # by the entries about the plan's own rows
        self.table = self._create()
        self._start = prepare(self._planned(), connection)
        self._steps = [prepare(self._reached(reference), connection) for reference in reach.references]
        self._tidy = [prepare(statement, connection) for statement in self._superfluous()]
        self._empty = prepare(sa.delete(self.table), connection)
        self._inserts = [
            self._insert_of(entries, place, action)
            for place in reach.places
            for action in (DELETE, UPDATE)
            if any(one.child == place and one.cascades == (action == DELETE) for one in reach.references)
        ]

    def take_down(self, number: int, first: int, last: int, *, batch_size: int) -> None:
        """Enter the rows that the deletions at these positions sweep along. To be called before the write."""
        for place in self._reach.places[1:]:
            self._database.hold_still(self._connection, place.target)
        self._empty.run(self._connection)
        found = self._start.run(self._connection, first=first, last=last)
        total, level = found, 0
        while found:
            found = sum(step.run(self._connection, level=level) for step in self._steps)
            total, level = total + found, level + 1
        for statement in self._tidy:
            statement.run(self._connection, first=first, last=last)
        for insert in self._inserts:
            insert.run(self._connection, number=number, first=first, batch_size=batch_size, used=self._used)
        self._used += total

    def _create(self) -> sa.Table:
        table = self._database.temporary(
            f"{NAME}{self._plan.suffix}",
            sa.Column("no", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
            sa.Column("pos", sa.Integer),
            sa.Column("place", sa.Integer),
            sa.Column("address", Spelled("" if self._database.is_sqlite else "tid")),
            sa.Column("action", sa.Text),
            sa.Column("level", sa.Integer),
        )
        self._connection.execute(CreateTable(table))
        sa.Index(f"{table.name}_row", table.c.place, table.c.address).create(self._connection)
        return table

    # --- finding them ------------------------------------------------------------------------------------------------

    def _insert(self, query: sa.Select[Any]) -> sa.Insert:
        return sa.insert(self.table).from_select(["pos", "place", "address", "action", "level"], query)

    def _planned(self) -> sa.Insert:
        plan, place = self._plan, self._reach.places[0]
        row = place.rows.alias("parent")
        same = sa.and_(*(plan.doomed.c[name] == row.c[name] for name in plan.key))
        picked: list[Element] = [
            plan.table.c.pos,
            sa.literal_column("0"),
            row.c[place.address],
            _text(_PLANNED),
            sa.literal_column("0"),
        ]
        return self._insert(sa.select(*picked).select_from(plan.deletions.join(row, same)).where(within(plan, DELETE)))

    def _reached(self, reference: Reference) -> sa.Insert:
        """Rows of the child whose parents are on this level."""
        swept, again = self.table.alias("swept"), self.table.alias("again")
        parent, child = reference.parent.rows.alias("parent"), reference.child.rows.alias("child")
        refers = sa.and_(*(child.c[ours] == parent.c[theirs] for ours, theirs in reference.columns))
        known = [again.c.place == reference.child.number, again.c.address == child.c[reference.child.address]]
        if reference.cascades:
            known.append(again.c.action != _text(UPDATE))
        action = _text(DELETE if reference.cascades else UPDATE)
        place: Element = sa.literal_column(str(reference.child.number))
        query = (
            sa.select(
                swept.c.pos, place, child.c[reference.child.address], action, swept.c.level + sa.literal_column("1")
            )
            .select_from(swept.join(parent, parent.c[reference.parent.address] == swept.c.address).join(child, refers))
            .where(
                swept.c.place == sa.literal_column(str(reference.parent.number)),
                swept.c.level == sa.bindparam("level", None, type_=sa.Integer),
                swept.c.action != _text(UPDATE),
                ~sa.exists().where(*known),
            )
        )
        return self._insert(query)

    def _superfluous(self) -> Sequence[sa.Delete]:
        """Rows that lose a cell, and then go; rows of the plan itself, whose own entries tell all of it."""
        swept, again, place = self.table, self.table.alias("again"), self._reach.places[0]
        goes = [again.c.place == swept.c.place, again.c.address == swept.c.address, again.c.action != _text(UPDATE)]
        is_update = swept.c.action == _text(UPDATE)
        row = place.rows.alias("row")
        same = sa.and_(*(self._plan.cell(name) == row.c[name] for name in self._plan.key))
        planned = sa.select(row.c[place.address]).select_from(self._plan.records.join(row, same))
        own = [swept.c.place == sa.literal_column("0"), swept.c.address.in_(planned.where(within(self._plan, UPDATE)))]
        return sa.delete(swept).where(is_update, sa.exists().where(*goes)), sa.delete(swept).where(is_update, *own)

    # --- their entries -----------------------------------------------------------------------------------------------

    def _insert_of(self, entries: Entries, place: Place, action: str) -> Prepared:
        target, child, swept = place.target, place.rows.alias("child"), self.table
        table = f"{target.schema}.{target.name}" if target.schema else target.name
        entries.lay_out(table, target.names)
        number, first, size, used = (
            sa.bindparam(name, None, type_=sa.BigInteger) for name in ("number", "first", "batch_size", "used")
        )
        batch: Element = number + (swept.c.pos - first) // size
        here = swept.c.place == sa.literal_column(str(place.number)), swept.c.action == _text(action)
        found = swept.join(child, child.c[place.address] == swept.c.address)
        query = (
            sa.select(batch, cast("Element", used + swept.c.no)).select_from(found).where(*here).order_by(swept.c.no)
        )
        before = [child.c[name] for name in target.names]
        after = self._left(place, child) if action == UPDATE else ()
        return entries.insert(query, table=table, action=action, before=before, after=after)

    def _left(self, place: Place, child: sa.FromClause) -> list[Element]:
        """The cells of a row that stays, once the rows that it refers to are gone."""
        cells: dict[str, Element] = {}
        for reference in self._reach.references:
            if reference.child == place and not reference.cascades:
                going = self._is_going(reference, child)
                for name, _ in reference.columns:
                    cells[name] = sa.case(
                        (going, _emptied_cell(place, name, reference)), else_=cells.get(name, child.c[name])
                    )
        return [cells.get(name, child.c[name]) for name in place.target.names]

    def _is_going(self, reference: Reference, child: sa.FromClause) -> sa.ColumnElement[bool]:
        swept, parent = self.table.alias("going"), reference.parent.rows.alias("parent")
        refers = (child.c[ours] == parent.c[theirs] for ours, theirs in reference.columns)
        return (
            sa.exists()
            .where(
                *refers,
                swept.c.place == sa.literal_column(str(reference.parent.number)),
                swept.c.address == parent.c[reference.parent.address],
                swept.c.action != _text(UPDATE),
            )
            .correlate(child)
        )


def _emptied_cell(place: Place, name: str, reference: Reference) -> Element:
    default = place.target.sql.c[name].server_default
    if reference.action == "SET NULL" or not isinstance(default, sa.DefaultClause):
        return sa.null()
    return sa.literal_column(f"({default.arg})")


def _text(text: str) -> Element:
    return sa.literal_column(f"'{text}'")
