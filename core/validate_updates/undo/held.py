"""What foreign keys say about loaded entries: which cannot be taken back, or should not, and which broke one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.plan import raw
from validate_updates.undo.result import Reason
from validate_updates.undo.steps import READY, Step

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from validate_updates.undo.keys import Key, Name
    from validate_updates.undo.matching import Matching

_Condition = sa.ColumnElement[bool]


def set_aside(connection: sa.Connection, keys: Iterable[Key], tables: Mapping[Name, Matching]) -> None:
    """Refuse the entries that are ready and held, until none is.

    A row to be removed is held by one that refers to it and stays, a row to be put back by one that it refers to and
    that is not there; then come those that need these.
    """
    held: list[sa.Update] = []
    for key in keys:
        if key.parent in tables and not key.action:
            held.append(_left(tables[key.parent], Step.DELETE, _is_needed(key, tables), Reason.REFUSED))
        if key.child in tables and _is_known(key, tables[key.child]):
            held.append(_left(tables[key.child], Step.INSERT, _is_in_want(key, tables), Reason.REFUSED))
    while sum(connection.execute(statement).rowcount for statement in held):
        pass


def referred_to(keys: Iterable[Key], table: Matching) -> Sequence[sa.Update]:
    """Statements that leave rows alone to which others refer that would be deleted, or emptied, with them.

    For the entries that are ready, to be run again until none is left alone any more.
    """
    name = table.target.schema, table.target.name
    return [
        _left(table, Step.DELETE, _is_needed(key, {name: table}), Reason.REFERRED_TO)
        for key in keys
        if key.action and key.parent == name
    ]


def broken(keys: Iterable[Key], table: Matching) -> Sequence[tuple[Key, sa.Select[int]]]:
    """Queries for the ready entries of a range that broke a key which the database checks only at the commit."""
    entry, name = table.entry, (table.target.schema, table.target.name)
    first, last = (sa.bindparam(name, type_=sa.BigInteger) for name in ("first", "last"))
    ready = (
        sa.select(sa.func.count()).select_from(entry).where(entry.c.pos.between(first, last), entry.c.state == READY)
    )
    queries = []
    for key in keys:
        if key.waits and key.parent == name:
            queries.append((key, ready.where(entry.c.step != Step.INSERT, _left_behind(key, table))))
        if key.waits and key.child == name and _is_known(key, table):
            moved = sa.or_(
                *(table.loaded.before(ours).is_distinct_from(table.loaded.written(ours)) for ours, _ in key.columns)
            )
            comes = sa.or_(entry.c.step == Step.INSERT, sa.and_(entry.c.step == Step.UPDATE, moved))
            queries.append((key, ready.where(comes, _points_nowhere(key, table))))
    return queries


def _left(table: Matching, step: Step, condition: _Condition, reason: Reason) -> sa.Update:
    return sa.update(table.entry).where(_is_ready(table.entry, step), condition).values(state=reason)


def _is_ready(entry: sa.FromClause, step: Step) -> _Condition:
    return sa.and_(entry.c.state == READY, entry.c.step == step)


def _is_known(key: Key, child: Matching) -> bool:
    """Whether the images have the columns; one that is younger than the run stays empty."""
    return {ours for ours, _ in key.columns} <= set(child.loaded.columns)


def _is_needed(key: Key, tables: Mapping[Name, Matching]) -> _Condition:
    """A row refers to that of the entry, and stays."""
    parent, other = tables[key.parent], tables.get(key.child)
    rows, child = raw(parent.target).alias("parent"), _named(key.child, key.children(), other).alias("child")
    refers = (rows.c[theirs] == child.c[ours] for ours, theirs in key.columns)
    needed = sa.exists().where(parent.same_key(rows), *refers)
    if other:
        entry = other.entry.alias("other")
        goes = sa.exists().where(_is_ready(entry, Step.DELETE), other.same_key(child, entry)).correlate(child)
        needed = needed.where(~goes)
    return needed.correlate(parent.entry)


def _is_in_want(key: Key, tables: Mapping[Name, Matching]) -> _Condition:
    """The row of the entry refers to one that is not there, and does not come."""
    child, other = tables[key.child], tables.get(key.parent)
    wants = _points_nowhere(key, child)
    if not other:
        return wants
    entry = other.entry.alias("other")
    same = (entry.c[other.loaded.before(theirs).name] == child.loaded.before(ours) for ours, theirs in key.columns)
    comes = sa.exists().where(_is_ready(entry, Step.INSERT), *same).correlate(child.entry)
    return sa.and_(wants, ~comes)


def _points_nowhere(key: Key, child: Matching) -> _Condition:
    """The row of before refers to one that is not there."""
    parent = _named(key.parent, key.parents()).alias("parent")
    cells = [(child.loaded.before(ours), theirs) for ours, theirs in key.columns]
    # The parent's column stands left: its collation and its affinity are those of the comparison.
    there = sa.exists().where(*(parent.c[theirs] == cell for cell, theirs in cells)).correlate(child.entry)
    return sa.and_(*(cell.isnot(None) for cell, _ in cells), ~there)


def _left_behind(key: Key, parent: Matching) -> _Condition:
    """A row refers to that of the entry, which is gone."""
    rows, child = _named(key.parent, key.parents()).alias("parent"), _named(key.child, key.children()).alias("child")
    there = sa.exists().where(*(rows.c[theirs] == child.c[ours] for ours, theirs in key.columns)).correlate(child)
    same = (parent.loaded.written(theirs) == child.c[ours] for ours, theirs in key.columns)
    return sa.exists().where(*same, ~there).correlate(parent.entry)


def _named(name: Name, columns: Sequence[str], table: Matching | None = None) -> sa.TableClause:
    return raw(table.target) if table else sa.table(name[1], *map(sa.column, columns), schema=name[0])
