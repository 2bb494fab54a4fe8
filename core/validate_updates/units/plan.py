"""The plan of units: a position for each unit of which anything differs, in key order, and a part of it for each table.

The units' own plan is what strategies, batches and the ledger work with. The parts say which rows of which table belong
to a position; one position may have many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.schema import CreateTable

from validate_updates.result import Change
from validate_updates.targets.names import ROW, SEQ, SHAPE, UNIT
from validate_updates.targets.plan import DELETE, INSERT, UNCHANGED, UPDATE, Plan, Planned
from validate_updates.text import key_text
from validate_updates.units.levels import levels_of
from validate_updates.units.resolved import Resolved
from validate_updates.units.sought import SoughtRows

if TYPE_CHECKING:
    from validate_updates.targets.base import Database
    from validate_updates.units.staging import MemberStage, Stages
    from validate_updates.units.tree import Member, Pointer, Tree


ENTRIES_BITS, _KIND_BITS, _MADE_BITS = 34, 30, 26
"""For the numbers of entries in the undo log: those of a part, of one kind, and of rows made for one natural key."""
_KINDS = (UPDATE, DELETE, INSERT, "")
"""Kinds of entries; the last are rows that go along with others."""
_MADE = 1 << 33
"""Where rows made for references begin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A unit that cannot be written, since it refers to what is not there, or not to be told apart."""

    unit: int
    code: str
    message: str
    table: str
    column: str
    key: str
    """What it refers to."""


class Part(Plan):
    """One table's part: the temporary table ``vu_found_N``, by units; and ``vu_plan_N``, by positions of their plan.

    Where every unit is in the plan, and in the order of the source, the one is the other.
    """

    def __init__(self, database: Database, connection: sa.Connection, stage: Resolved, place: int) -> None:
        """``place``: in the order of writing, from 1."""
        self.member = stage.member
        self.resolved = stage
        self.place = place
        self.all_new = False
        """Whether not one of the records has a row yet."""
        self._indexed = self._records_indexed = False
        super().__init__(database, connection, stage.member.target, stage, suffix=f"_{stage.member.number}")
        self.found = self.table

    def _made(self) -> sa.Table:
        return self._part("vu_found")

    def _part(self, name: str) -> sa.Table:
        keyed = self._database.is_sqlite
        tid = [sa.Column("tid", sa.BigInteger)] if self.target.rowid else []
        return sa.Table(
            f"{name}{self.suffix}",
            sa.MetaData(),
            sa.Column("pos", sa.BigInteger, primary_key=keyed, autoincrement=False),
            sa.Column("row", sa.BigInteger, primary_key=keyed, autoincrement=False),
            sa.Column("action", sa.String(1), primary_key=keyed, nullable=False),
            *tid,
            prefixes=["TEMPORARY"],
            sqlite_with_rowid=False,
        )

    @property
    def number(self) -> sa.Column[Any]:
        """Of the record."""
        return self.table.c.row

    @property
    def order(self) -> Sequence[sa.Column[Any]]:
        """By position; of one position as in the source."""
        return (self.table.c.pos, self.table.c.row)

    def entries_from(self, action: str = "") -> int | None:
        """Each kind of each part has numbers of its own."""
        return (self.place << ENTRIES_BITS) + (_KINDS.index(action) << _KIND_BITS)

    def find(self, parent: Part | None) -> None:
        """Compare the table's records with its rows. ``parent``: the part that was found already."""
        if parent and parent.all_new and self._told_apart_by_what_is_made_for(parent):
            self._take_all()
        else:
            self._compare()
        self._database.analyze(self._connection, self.found, ["pos", "row"])

    def _told_apart_by_what_is_made_for(self, parent: Part) -> bool:
        """Whether the key has a part that the database makes up for a new row of the parent: then nobody has it yet."""
        made = {ours for ours, theirs in self.member.joint if theirs not in parent.key}
        return not made.isdisjoint(self.key)

    def _take_all(self) -> None:
        """All records are new: there is nothing to compare them with, nor need what they refer to be looked up."""
        staged = self.resolved.stage
        query = sa.select(staged.unit, staged.table.c[SEQ], sa.literal_column(f"'{INSERT}'"))
        self._number_found(self._insert(self.found, ["pos", "row", "action"], query), updates=0)
        self.all_new = True

    def _compare(self) -> None:
        stage, rows = self.stage.table, self.rows
        is_new = rows.c[self.key[0]].is_(None)
        picked: list[Any] = [stage.c[UNIT], stage.c[ROW], sa.case((is_new, INSERT), else_=UPDATE)]
        names = ["pos", "row", "action"]
        if self.target.rowid:
            picked.append(rows.c.rowid)
            names.append("tid")
        compared = stage.outerjoin(rows, self.same_key(stage.c))
        query = sa.select(*picked).select_from(compared)
        query = query.where(sa.or_(is_new, self._differs(stage.c, stage.c[SHAPE]), self._refers_ahead(stage.c[ROW])))
        self._number_found(self._insert(self.found, names, query))
        staged = self._connection.scalar(sa.select(sa.func.count()).select_from(self.resolved.stage.table))
        self.all_new = self.counts.inserts == staged

    def _refers_ahead(self, row: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        return sa.or_(sa.false(), *(row.in_(waiting) for waiting in self.resolved.waiting()))

    @cached_property
    def doomed(self) -> sa.Table:
        """Keys of the rows to delete, each with the unit that it belonged to."""
        return self._table_of_keys(sa.Column(UNIT, sa.BigInteger))

    def find_unlisted(self, parent: Part) -> None:
        """Rows of the parents that list children, and not these; and rows below rows that go."""
        doomed, found, rows, listed = self.doomed, self.found, self.rows, self._listed()
        self._connection.execute(CreateTable(doomed))
        cells = [rows.c[name] for name in self.key]
        # A row whose key is null cannot be listed by a key that tells rows apart.
        left: list[sa.ColumnElement[bool]] = [cell.isnot(None) for cell in cells]
        left.append(~sa.exists().where(*(listed.c[f"k{at}"] == cell for at, cell in enumerate(cells))))
        for units in self._owners(parent):
            query = sa.select(units.c.unit, *cells).select_from(units.join(rows, self._below(units))).where(*left)
            self._connection.execute(doomed.insert().from_select([UNIT, *self.key], query.order_by(units.c.unit)))
        gone = sa.select(doomed.c[UNIT], doomed.c[ROW], sa.literal_column(f"'{DELETE}'"))
        self.counts = replace(self.counts, deletes=self._insert(found, ["pos", "row", "action"], gone))
        self._database.analyze(self._connection, doomed, [ROW, *self.key])

    def _listed(self) -> sa.Table:
        """Keys of the rows that records bring and that are there."""
        rows = self.rows
        listed = sa.Table(
            f"vu_listed{self.suffix}",
            sa.MetaData(),
            *(sa.Column(f"k{at}", self.stage.table.c[name].type) for at, name in enumerate(self.key)),
            prefixes=["TEMPORARY"],
        )
        self._connection.execute(CreateTable(listed))
        there = sa.select(*(rows.c[name] for name in self.key))
        there = there.select_from(self.stage.table.join(rows, self.same_key(self.stage.table.c)))
        names = [column.name for column in listed.c]
        self._connection.execute(listed.insert().from_select(names, there))
        sa.Index(f"vu_listed{self.suffix}_key", *listed.c).create(self._connection)
        self._database.analyze(self._connection, listed, names)
        return listed

    def _owners(self, parent: Part) -> Iterator[sa.Subquery]:
        """Units, and what the foreign key of their rows holds: those that list children, and those that go."""
        records, rows, shapes = parent.stage.table, parent.rows, parent.resolved.listing(self.member)
        theirs = [theirs for _, theirs in self.member.joint]
        if shapes:
            numbers: Any = sa.bindparam(None, shapes, expanding=True, literal_execute=True)
            there = sa.select(records.c[UNIT].label("unit"), *(rows.c[name] for name in theirs))
            there = there.select_from(records.join(rows, parent.same_key(records.c)))
            yield there.where(records.c[SHAPE].in_(numbers)).subquery("listing")
        if parent.member.replaces:
            gone = sa.select(parent.doomed.c[UNIT].label("unit"), *(rows.c[name] for name in theirs))
            yield gone.select_from(parent.doomed.join(rows, parent.same_key(parent.doomed.c))).subquery("going")

    def _below(self, units: sa.Subquery) -> sa.ColumnElement[bool]:
        return sa.and_(*(self.rows.c[ours] == units.c[theirs] for ours, theirs in self.member.joint))

    def number_by(self, units: UnitPlan, *, as_found: bool) -> None:
        """Take over the positions of the units' plan. ``as_found``: they are the numbers of the units."""
        self.positions = units.positions
        if not as_found:
            self._renumber(units.table)
            self._count()

    def _renumber(self, units: sa.Table) -> None:
        found = self.found
        if self.table is found:
            self.table = self._part("vu_plan")
            self.records = self.table.join(self.stage.table, self.stage.table.c[ROW] == self.table.c.row)
            self._connection.execute(CreateTable(self.table))
        else:
            self._connection.execute(self.table.delete())
        tid = ["tid"] if self.target.rowid else []
        query = sa.select(units.c.pos, found.c.row, found.c.action, *(found.c[name] for name in tid))
        query = query.select_from(units.join(found, found.c.pos == units.c.row)).order_by(units.c.pos, found.c.row)
        self._connection.execute(self.table.insert().from_select(["pos", "row", "action", *tid], query))
        self._database.analyze(self._connection, self.table, ["pos", "row", "action"])

    def expect_ranges(self) -> None:
        """Small ranges will be asked for."""
        if self._indexed:
            return
        self._indexed = True
        if not self._database.is_sqlite:
            sa.Index(f"vu_plan{self.suffix}_pos", self.table.c.pos).create(self._connection)
            self.index_records()

    def index_records(self) -> None:
        """PostgreSQL: make the records quick to find by their number. SQLite finds them by their rowid."""
        if not self._records_indexed:
            self._records_indexed = True
            number = self.resolved.stage.table.c[SEQ]
            sa.Index(f"vu_stage{self.suffix}_seq", number).create(self._connection)

    def _shown_key(self, values: Sequence[Any]) -> str:
        """Without what the database has still to make up."""
        known = [(name, value) for name, value in zip(self.key, values, strict=True) if value is not None]
        return key_text((name for name, _ in known), (value for _, value in known)) or "new"

    def owner_of_each(self, numbers: Sequence[int]) -> Iterator[tuple[int, tuple[int, str]]]:
        """Of staged rows by number: the unit, and how a message about the row begins."""
        self.index_records()
        records, stage = self.resolved.table, self.resolved.stage.table
        cells: dict[str, sa.ColumnElement[Any]] = {}
        for name in self.key:
            pointer = self.member.pointer(name)
            if pointer and set(pointer.cells.values()) <= set(stage.c.keys()):
                cells |= {theirs: stage.c[ours] for theirs, ours in pointer.cells.items()}
            elif name not in self.member.joined:  # which is the parent's key, told with the unit's
                cells[name] = records.c[name]
        query = sa.select(records.c[ROW], records.c[UNIT], *cells.values())
        query = query.select_from(records.join(stage, stage.c[SEQ] == records.c[ROW]))
        for row, unit, *values in self._connection.execute(query.where(stage.c[SEQ].in_(numbers))):
            known = {name: value for name, value in zip(cells, values, strict=True) if value is not None}
            key = f" ({key_text(known, known.values())})" if known else ""
            yield row, (unit, f"{self.member.name}{key}: ")

    def written_in(self, first: int, last: int) -> int:
        """Rows that are to be written at these positions."""
        if self._all_stand and (first, last) == (1, self.positions):
            return self.counts.size
        query = sa.select(sa.func.count()).select_from(self.table).where(self._between(first, last), self._is_written())
        return int(self._connection.execute(query).scalar_one())


class UnitPlan(Plan):
    """The temporary table ``vu_plan``: positions of units, their records by ``row``; and the parts."""

    def __init__(self, database: Database, connection: sa.Connection, stages: Stages) -> None:
        self.tree: Tree = stages.tree
        self.stages = stages
        self.sought = _looked_up(database, connection, stages)
        views: dict[int, Resolved] = {}
        for member in self.tree.members:
            by_pointer = {pointer.number: self.sought[pointer.sought.number] for pointer in member.pointers}
            parent = None if member.parent is None else views[member.parent]
            views[member.number] = Resolved(database, connection, stages[member.number], parent, by_pointer)
        self.views = views
        for one in self.sought.values():
            brings = self.tree.of(one.sought)
            one.look_up(views[brings.number] if brings is not None else None)
        super().__init__(database, connection, self.tree.root.target, views[0])
        places = {number: place for place, number in enumerate(self.tree.order, 1)}
        self.parts = {number: Part(database, connection, view, places[number]) for number, view in views.items()}

    def superseded(self) -> Iterator[tuple[Member, Sequence[int]]]:
        """Tables of which several rows may have one key, and numbers of rows that a later one of the key replaces.

        Within one parent that has been settled already, as far as what stands in the records tells.
        """
        for member in self.tree.members:
            view = self.views[member.number]
            shared = view.looks_alike or not set(member.joined) <= set(member.target.key)
            if shared if member.parent is not None else not self.stages[member.number].keyed:
                yield member, list(self._connection.scalars(view.superseded()))

    def unfit(self) -> Sequence[Unfit]:
        """Units that refer to rows which are not there, or to several at once, and may not."""
        doubtful = {number for number, sought in self.sought.items() if sought.any_unfit()}
        return [
            one
            for member in self.tree.members
            for pointer in member.pointers
            if pointer.sought.number in doubtful
            for one in self._unfit(self.stages[member.number], pointer)
        ]

    def _unfit(self, stage: MemberStage, pointer: Pointer) -> Iterator[Unfit]:
        sought = self.sought[pointer.sought.number]
        query = sought.unfit(stage, pointer)
        for matches, unit, *cells in () if query is None else self._connection.execute(query):
            theirs, key = pointer.sought.target, key_text(pointer.sought.target.key, cells)
            there = f"there are {matches} rows" if matches else "there is no row"
            yield Unfit(
                unit=unit,
                code="reference_ambiguous" if matches else "reference_not_found",
                message=f"{stage.member.name}.{pointer.column}: {there} in {theirs.name} with {key}",
                table=stage.member.name,
                column=pointer.column,
                key=key,
            )

    def forget_removed(self) -> None:
        """Records have been taken out of the stages: they bring no rows any more."""
        for sought in self.sought.values():
            sought.forget_removed()

    def first_of_several(self) -> Iterator[tuple[str, str, int, Sequence[str]]]:
        """References of which the first of several rows is taken."""
        for member in self.tree.members:
            for pointer in member.pointers:
                keys = self.sought[pointer.sought.number].ambiguous(self.stages[member.number], pointer)
                if keys:
                    yield member.name, pointer.column, len(keys), keys[:5]

    def _made(self) -> sa.Table:
        return self._table_of_positions()

    def in_order(self) -> Sequence[Part]:
        """The parts as they are written: what is referred to comes first."""
        return [self.parts[number] for number in self.tree.order]

    def compare(self) -> Planned:
        """Fill the parts, and number the units of which anything differs."""
        for part in self.in_order():
            above = part.member.parent
            part.find(None if above is None else self.parts[above])
        for part in self.parts.values():
            if part.member.parent is not None and part.member.replaces:
                part.find_unlisted(self.parts[part.member.parent])
        self._number_units()
        self._number_parts()
        for part in self.parts.values():
            part.filled_later = any(map(self._waits, part.member.pointers))
        for one in self.sought.values():
            brings = self.tree.of(one.sought)
            part_place = 0 if brings is None else self.parts[brings.number].place
            one.first_no = (part_place << ENTRIES_BITS) + _MADE + (one.sought.number << _MADE_BITS)
        return self.counts

    def _needs(self) -> Iterator[sa.Select[int, int]]:
        """Of units that need other units, both."""
        for member in self.tree.members:
            for pointer in member.pointers:
                pairs = self.sought[pointer.sought.number].needed(self.stages[member.number], pointer)
                if pairs is not None:
                    yield pairs

    def _number_parts(self) -> None:
        """The parts take over the positions; the numbers of the units, where these are the same."""
        moved = sa.select(sa.exists().where(self.table.c.pos != self.table.c.row))
        as_found = not self._connection.scalar(moved)
        for part in self.parts.values():
            part.number_by(self, as_found=as_found)

    def _waits(self, pointer: Pointer) -> bool:
        return pointer.number in self.tree.deferred and self.sought[pointer.sought.number].pending

    @property
    def pieces(self) -> Sequence[Plan]:
        """The parts."""
        return tuple(self.parts.values())

    def _number_units(self) -> None:
        records, all_new = self.views[0].table, self.parts[0].all_new
        query = sa.select(records.c[ROW], sa.literal_column(f"'{INSERT}'")) if all_new else self._differing()
        order: list[sa.ColumnElement[Any]] = [records.c[name] for name in self.key]
        levels = levels_of(self._database, self._connection, list(self._needs()))
        if levels is not None:
            query = query.outerjoin(levels, levels.c.unit == records.c[ROW])
            order = [sa.func.coalesce(levels.c.level, 0), *order]
        self._number_found(self._fill(["row", "action"], query, order), updates=0 if all_new else None)
        self._filled()

    def _differing(self) -> sa.Select[Any]:
        """Records, and how they are to be written."""
        records, (root, *others) = self.views[0].table, self.parts.values()
        found = root.found
        differs: list[sa.ColumnElement[bool]] = [found.c.pos.isnot(None)]
        differs += [sa.exists().where(part.found.c.pos == records.c[ROW]) for part in others]
        action = sa.case((found.c.action == INSERT, INSERT), else_=UPDATE)
        query = sa.select(records.c[ROW], action).select_from(records.outerjoin(found, found.c.pos == records.c[ROW]))
        return query.where(sa.or_(*differs))

    def owners(self, rows: Sequence[tuple[str, int]]) -> Sequence[tuple[int, str]]:
        """See the base. A child is told by its table and its key, by natural keys where these are known."""
        numbers: dict[str, list[int]] = {}
        for table, row in rows:
            numbers.setdefault(table, []).append(row)
        parts = {part.member.name: part for part in self.parts.values()}
        found = {(self.target.name, row): (row, "") for row in numbers.pop(self.target.name, ())}
        for table, some in numbers.items():
            if table not in parts:
                raise LookupError(f"a record of {table!r}, which is no table of the task")
            found |= {(table, row): owner for row, owner in parts[table].owner_of_each(some)}
        if any(row not in found for row in rows):
            raise LookupError("a record that is not staged")
        return [found[row] for row in rows]

    def drop_kept_out(self) -> None:
        """Units that were kept out go, and bring no rows that others refer to."""
        units = self.kept_out_numbers()
        super().drop_kept_out()
        self.stages.remove(units)
        self.forget_removed()

    def close_ranks(self) -> None:
        """Number the positions that are left from 1 on, in all parts."""
        super().close_ranks()
        for part in self.parts.values():
            part.number_by(self, as_found=False)

    def _expect_lookups(self) -> None:
        if not self._database.is_sqlite:
            self.parts[0].index_records()

    def expect_ranges(self) -> None:
        """Small ranges will be asked for."""
        for part in self.parts.values():
            part.expect_ranges()

    def refresh(self, first: int, last: int) -> None:
        """Compare these positions with the target as it stands now: other programs may have changed it."""
        for sought in self.sought.values():
            sought.look_again()
        for part in self.parts.values():
            part.refresh(first, last)
        plan, root = self.table, self.parts[0].table
        new = sa.exists().where(root.c.pos == plan.c.pos, root.c.action == INSERT)
        changed = [
            sa.exists().where(part.table.c.pos == plan.c.pos, part.table.c.action.in_((INSERT, UPDATE, DELETE)))
            for part in self.parts.values()
        ]
        action = sa.case((new, INSERT), (sa.or_(*changed), UPDATE), else_=UNCHANGED)
        pending = plan.c.action.in_((INSERT, UPDATE))
        self._connection.execute(plan.update().where(self._between(first, last), pending).values(action=action))
        self._all_stand = False
        self.settled_kinds = False

    def recount(self) -> Planned:
        """Count again what is to be written, units and rows, after some was left out."""
        for part in self.parts.values():
            part.recount()
        return super().recount()

    def leave_out(self, first: int, last: int) -> int:
        """Write nothing of these units, now or later; how many there are."""
        for part in self.parts.values():
            part.leave_out(first, last)
        for one in self.sought.values():
            brings = self.tree.of(one.sought)
            if brings is not None and one.pending:
                one.forget_left_out(self.parts[brings.number].table, first, last)
        return super().leave_out(first, last)

    def needs(self) -> Iterator[tuple[int, int]]:
        """Units that mean rows which other units bring, and that are not there yet."""
        for part in self.parts.values():
            for pointer in part.member.pointers:
                sought = self.sought[pointer.sought.number]
                brings = self.tree.of(pointer.sought)
                if brings is not None and sought.pending and sought.is_named_in(part.resolved.stage, pointer):
                    query = sought.waited_for(part.table, part.resolved.stage, pointer, self.parts[brings.number].table)
                    yield from ((one, other) for one, other in self._connection.execute(query))

    def put_aside(self, first: int, last: int) -> None:
        """For the time being, write nothing of these units."""
        super().put_aside(first, last)
        for part in self.parts.values():
            part.put_aside(first, last)

    def take_up(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Write these units after all."""
        super().take_up(ranges)
        for part in self.parts.values():
            part.take_up(ranges)

    def sample(self, limit: int) -> tuple[Change, ...]:
        """Up to ``limit`` changes, spread over the tables."""
        changing = [part for part in self.parts.values() if part.counts.size]
        changes: list[Change] = []
        for number, part in enumerate(changing):
            share = max((limit - len(changes)) // (len(changing) - number), 1)
            table = "" if part.member.parent is None else part.member.name
            changes += [replace(change, table=table) for change in part.sample(share)]
        return tuple(changes[:limit])

    def rows_made(self) -> int:
        """Also of the table of the records themselves."""
        made = (
            one.made() for one in self.sought.values() if one.pending and one.sought.target.name == self.target.name
        )
        return sum(made)

    def metrics(self) -> Mapping[str, float]:
        """Rows by table. Call :meth:`recount` first."""
        rows = {
            f"tables.{part.member.name}.{what}": float(number)
            for part in self.parts.values()
            for what, number in _by_kind(part.counts)
        }
        for one in self.sought.values():
            if one.pending:
                name = f"tables.{one.sought.target.name}.created"
                rows[name] = rows.get(name, 0.0) + one.made()
        return rows


def unit_plan(plan: Plan) -> UnitPlan:
    """``plan``, known to be of units."""
    if not isinstance(plan, UnitPlan):
        raise TypeError("not a plan of units")
    return plan


def _by_kind(counts: Planned) -> Iterator[tuple[str, int]]:
    yield from (("inserted", counts.inserts), ("updated", counts.updates), ("deleted", counts.deletes))


def _looked_up(database: Database, connection: sa.Connection, stages: Stages) -> dict[int, SoughtRows]:
    sought = {one.number: SoughtRows(database, connection, one) for one in stages.tree.sought}
    for member in stages.tree.members:
        for pointer in member.pointers:
            sought[pointer.sought.number].users.append((stages[member.number], pointer))
    return sought
