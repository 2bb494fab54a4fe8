"""The tables of a task held against the database: who is whose child, what refers to what, and in which order to write.

A foreign key leads from a child to its parent; its columns are filled for the records, which do not carry them. A
*pointer* is a column filled by the natural key of a row elsewhere. Where tables refer to each other in a circle, a
pointer that may be null is *deferred*: it is written when the rows of both are there.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from validate_updates.errors import UsageError
from validate_updates.job import Deletes
from validate_updates.targets.names import SEQ, SHAPE, UNIT
from validate_updates.targets.reflect import target_table
from validate_updates.targets.table import Column, Kind
from validate_updates.units.declared import Ambiguous, Children, Missing, Reference, UnitTable

if TYPE_CHECKING:
    from validate_updates.job import Job
    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """Rows of one table that are looked for by one natural key."""

    number: int
    target: TargetTable
    """With the natural key as its key."""
    to: str
    """The column that refers to them hold this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pointer:
    """A column filled by the natural key of a row elsewhere."""

    number: int
    column: str
    sought: Sought
    missing: Missing
    ambiguous: Ambiguous
    flat: bool
    """Whether the natural key may stand among the record's own members: the table has no columns of such names."""
    cells: Mapping[str, str]
    """Where the natural key is staged: column of the other table -> column of the stage."""
    extras: Mapping[str, str]
    """The same for what else a record may say of a row that is to be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One table of the tree."""

    number: int
    """0 is the root; parents come before their children."""
    target: TargetTable
    parent: int | None
    joint: tuple[tuple[str, str], ...]
    """The foreign key to the parent: (column, column of the parent)."""
    pointers: tuple[Pointer, ...]
    replaces: bool
    """Whether children that are no longer listed go."""
    depth: int
    staged: TargetTable
    """The columns of the stage: those of the table, and cells of natural keys."""
    up: str
    """The stage's column with the number of the parent's row."""

    @property
    def name(self) -> str:
        """Of the table, and of the records' member that holds them."""
        return self.target.name

    @property
    def joined(self) -> tuple[str, ...]:
        """The columns that come from the parent."""
        return tuple(column for column, _ in self.joint)

    def pointer(self, column: str) -> Pointer | None:
        """What fills that column by a natural key."""
        return next((one for one in self.pointers if one.column == column), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """All tables of a task."""

    members: tuple[Member, ...]
    sought: tuple[Sought, ...]
    order: tuple[int, ...]
    """Numbers of the members as they are written: what is referred to comes first."""
    deferred: frozenset[int]
    """Numbers of the pointers that are written last."""

    @property
    def root(self) -> Member:
        """The table that the records are of."""
        return self.members[0]

    def children(self, member: Member) -> Sequence[Member]:
        """The tables right below."""
        return [one for one in self.members if one.parent == member.number]

    def of(self, sought: Sought) -> Member | None:
        """The member that brings rows of the table sought, if one does."""
        return next((one for one in self.members if one.target.name == sought.target.name), None)

    def filled_in(self, table: str) -> frozenset[str]:
        """Columns of a member that get the keys of other rows, which may have to be written first."""
        member = next(one for one in self.members if one.name == table)
        return frozenset((*member.joined, *(pointer.column for pointer in member.pointers)))

    def written(self) -> Sequence[TargetTable]:
        """Every table that an update may write, once."""
        made = [pointer.sought.target for pointer in self.pointers() if pointer.missing is Missing.CREATE]
        targets = [*(member.target for member in self.members), *made]
        return list({target.name: target for target in reversed(targets)}.values())[::-1]

    def pointers(self) -> Iterator[Pointer]:
        """All of them."""
        for member in self.members:
            yield from member.pointers


_MOST_TABLES = 20
"""Each takes its share of the numbers that entries of one run have in the undo log, at each of three attempts."""


def tree_of(database: Database, connection: sa.Connection, job: Job) -> Tree | None:
    """The tree of a job; None where its records are rows of one table and nothing more.

    Raises ``UsageError`` where what is said of the tables does not fit the database.
    """
    said = {table.name: table for table in job.tables}
    root = replace(said.get(job.table) or UnitTable(name=job.table), key=job.key, parent=None)
    said[job.table] = root
    if not root.references and not any(table.parent == job.table for table in said.values()):
        return None
    if job.deletes.mode is not Deletes.OFF:
        raise UsageError(
            'deletes = "missing" is for records of one table',
            hint='children that are no longer listed go with children = "replace"',
        )
    return _Builder(database, connection, job.schema, said).tree(job.table)


@dataclass(frozen=True, slots=True)
class _ForeignKey:
    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]


class _Builder:
    def __init__(
        self, database: Database, connection: sa.Connection, schema: str | None, said: Mapping[str, UnitTable]
    ) -> None:
        self._database = database
        self._connection = connection
        self._schema = schema
        self._said = said
        self._members: list[Member] = []
        self._sought: dict[tuple[str, tuple[str, ...]], Sought] = {}
        self._keys: dict[str, list[_ForeignKey]] = {}
        self._pointers = count()

    def tree(self, root: str) -> Tree:
        waiting: list[tuple[str, Member | None]] = [(root, None)]
        while waiting:
            name, parent = waiting.pop(0)
            member = self._member(self._said[name], parent)
            self._members.append(member)
            waiting += [(table.name, member) for table in self._said.values() if table.parent == name]
        if len(self._members) > _MOST_TABLES:
            raise UsageError(f"the task has {len(self._members)} tables; {_MOST_TABLES} is the most", hint="split it")
        self._all_are_in_use()
        order, deferred = self._order()
        return Tree(members=tuple(self._members), sought=tuple(self._sought.values()), order=order, deferred=deferred)

    def _member(self, said: UnitTable, parent: Member | None) -> Member:
        target = self._target(said.name)
        joint = self._joint(target, parent, said) if parent else ()
        prefix = _free_prefix(target)
        pointers = self._of_references(target, said.references, prefix)
        filled = {*(column for column, _ in joint), *(pointer.column for pointer in pointers)}
        target = replace(target, key=self._key(target, said.key, filled))
        return Member(
            number=len(self._members),
            target=target,
            parent=parent.number if parent else None,
            joint=joint,
            pointers=pointers,
            replaces=said.children is Children.REPLACE and parent is not None,
            depth=parent.depth + 1 if parent else 0,
            staged=_staged(target, pointers, prefix),
            up=UNIT if parent is None or parent.depth == 0 else f"{prefix}up",
        )

    def _target(self, name: str) -> TargetTable:
        if name.lower().startswith("vu_"):
            raise UsageError(f"the table name {name} is reserved", hint="rename the table")
        return target_table(self._database, self._connection, name, schema=self._schema, key=())

    def _joint(self, target: TargetTable, parent: Member, said: UnitTable) -> tuple[tuple[str, str], ...]:
        taken = {one.column for one in said.references}
        found = [
            key
            for key in self._foreign_keys(target)
            if key.table == parent.name and not taken.intersection(key.columns)
        ]
        if len(found) != 1:
            what = "has no foreign key to" if not found else "has more than one foreign key to"
            raise UsageError(
                f"table {target.name} {what} its parent {parent.name}",
                hint=f"a column that means another row of {parent.name} goes into references",
            )
        return tuple(zip(found[0].columns, found[0].theirs, strict=True))

    def _key(self, target: TargetTable, given: Sequence[str], filled: set[str]) -> tuple[str, ...]:
        for name in given:
            _known(target, name, "the key")
        if given:
            return tuple(given)
        brought = {column.name for column in target.columns if not column.has_default and not column.generated} | filled
        fitting = [names for names in target.unique if brought.issuperset(names)]
        if len(fitting) == 1:
            return fitting[0]
        found = "several unique keys" if fitting else "no unique key that records can bring"
        raise UsageError(f"table {target.name} has {found}", hint=f"set tables.{target.name}.key")

    def _of_references(self, target: TargetTable, references: Sequence[Reference], prefix: str) -> tuple[Pointer, ...]:
        pointers = []
        for one in references:
            _known(target, one.column, "a reference")
            sought = self._seek(target, one)
            others = {name for other in references if other is not one for name in other.by}
            number, theirs = next(self._pointers), sought.target
            creates = one.missing is Missing.CREATE
            extras = [
                column.name
                for column in theirs.columns
                if creates and not column.generated and column.name not in {*one.by, sought.to}
            ]
            pointers.append(
                Pointer(
                    number=number,
                    column=one.column,
                    sought=sought,
                    missing=one.missing,
                    ambiguous=one.ambiguous,
                    flat=not {*target.names, *others}.intersection(one.by),
                    cells={name: f"{prefix}{number}_{theirs.names.index(name)}" for name in one.by},
                    extras={name: f"{prefix}{number}_{theirs.names.index(name)}" for name in extras},
                )
            )
        return tuple(pointers)

    def _seek(self, target: TargetTable, said: Reference) -> Sought:
        place = said.table, said.by
        to = self._referred_to(target, said)
        if place not in self._sought:
            theirs = self._target(said.table)
            for name in said.by:
                _known(theirs, name, f"the reference {target.name}.{said.column}")
            self._sought[place] = Sought(number=len(self._sought), target=replace(theirs, key=said.by), to=to)
        if self._sought[place].to != to:
            raise UsageError(f"references to {said.table} by {', '.join(said.by)} mean different columns of it")
        return self._sought[place]

    def _referred_to(self, target: TargetTable, said: Reference) -> str:
        keys = [key for key in self._foreign_keys(target) if key.columns == (said.column,) and key.table == said.table]
        if keys:
            return keys[0].theirs[0]
        primary = self._target(said.table).primary_key
        if len(primary) != 1:
            raise UsageError(
                f"{target.name}.{said.column} has no foreign key to {said.table}, nor has that a key of one column"
            )
        return primary[0]

    def _foreign_keys(self, target: TargetTable) -> list[_ForeignKey]:
        if target.name not in self._keys:
            found: list[Any] = sa.inspect(self._connection).get_foreign_keys(target.name, schema=target.schema)
            self._keys[target.name] = [
                _ForeignKey(
                    tuple(one["constrained_columns"]),
                    self._as_written(one["referred_table"]),
                    tuple(one["referred_columns"]),
                )
                for one in found
            ]
        return self._keys[target.name]

    def _as_written(self, table: str) -> str:
        """SQLite minds no capitals."""
        same = (name for name in self._said if self._database.is_sqlite and name.lower() == table.lower())
        return next(same, table)

    def _all_are_in_use(self) -> None:
        used = {member.name for member in self._members} | {sought.target.name for sought in self._sought.values()}
        for name, table in self._said.items():
            if name not in used:
                whose = f"its parent {table.parent} is no table of the task" if table.parent else "nothing refers to it"
                raise UsageError(f"table {name}: {whose}", hint=f"tables: {', '.join(self._said)}")

    # --- the order ---------------------------------------------------------------------------------------------------

    def _order(self) -> tuple[tuple[int, ...], frozenset[int]]:
        """Members after those that they need; pointers that may wait are deferred where it goes in a circle."""
        deferred = {
            pointer.number
            for member in self._members
            for pointer in member.pointers
            if pointer.sought.target.name == member.name
        }
        needs = {member.number: self._needs(member) for member in self._members}
        order: list[int] = []
        while len(order) < len(self._members):
            ready = [number for number, needed in needs.items() if number not in order and needed <= set(order)]
            order += ready[:1]
            if not ready:
                deferred.update(self._let_wait(needs, set(order)))
        return tuple(order), frozenset(deferred)

    def _needs(self, member: Member) -> set[int]:
        keys = {self._number_of(key.table) for key in self._foreign_keys(member.target)}
        pointers = {self._number_of(pointer.sought.target.name) for pointer in member.pointers}
        return {number for number in keys | pointers if number is not None} - {member.number}

    def _let_wait(self, needs: dict[int, set[int]], done: set[int]) -> Sequence[int]:
        """Open the circle at one place; the numbers of the pointers that wait for it."""
        for number in sorted(needs.keys() - done):
            member = self._members[number]
            for to in sorted(needs[number] - done - {member.parent}):
                pointers = [one for one in member.pointers if self._number_of(one.sought.target.name) == to]
                if all(_may_wait(member, pointer) for pointer in pointers):
                    needs[number].discard(to)
                    return [pointer.number for pointer in pointers]
        names = ", ".join(self._members[number].name for number in sorted(needs.keys() - done))
        raise UsageError(
            f"the tables {names} refer to each other in a circle, so none can be written first",
            hint="one of the columns has to allow NULL, and to stand in references",
        )

    def _number_of(self, table: str) -> int | None:
        return next((member.number for member in self._members if member.name == table), None)


def _may_wait(member: Member, pointer: Pointer) -> bool:
    return member.target.column(pointer.column).nullable and pointer.column not in member.target.key


def _free_prefix(target: TargetTable) -> str:
    """What no column of the table begins with. Raises ``UsageError`` where one is called like one of ours."""
    reserved = [name for name in target.names if name.lower() in {UNIT, SEQ, SHAPE}]
    if reserved:
        raise UsageError(f"table {target.name}: the column name {reserved[0]} is reserved", hint="rename the column")
    names = [name.lower() for name in target.names]
    return next(prefix for prefix in (f"vu{n or ''}_" for n in count()) if not any(map(_begins(prefix), names)))


def _begins(prefix: str) -> Any:
    return lambda name: name.startswith(prefix)


def _staged(target: TargetTable, pointers: Sequence[Pointer], prefix: str) -> TargetTable:
    numbers = [Column(name=name, kind=Kind.INTEGER, type="bigint") for name in (UNIT, f"{prefix}up")]
    cells = [
        replace(pointer.sought.target.column(theirs), name=ours, nullable=True, has_default=False)
        for pointer in pointers
        for theirs, ours in {**pointer.cells, **pointer.extras}.items()
    ]
    return replace(target, columns=(*target.columns, *numbers, *cells))


def _known(target: TargetTable, name: str, what: str) -> None:
    if name not in target.names:
        close = difflib.get_close_matches(name, target.names, 1)
        meant = f"; did you mean {close[0]}?" if close else ""
        raise UsageError(
            f"table {target.name} has no column {name!r} for {what}{meant}", hint=f"columns: {', '.join(target.names)}"
        )
