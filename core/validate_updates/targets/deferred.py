"""Rules that a database checks only at the commit, checked at the end of each batch.

Then the batch can still be taken back, and the record be found that breaks them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import sqlalchemy as sa

from validate_updates.targets.plan import DELETE, INSERT, UPDATE
from validate_updates.targets.trouble import Blame, Trouble

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.plan import Plan


class Deferred(Protocol):
    """To be asked within the savepoint that positions of the plan are written in."""

    def begin(self) -> None:
        """Before anything is written."""
        ...

    def violated(self, first: int, last: int) -> Trouble | None:
        """What the commit would refuse of the positions ``first`` to ``last``, which have been written.

        It may also be raised, as by the commit.
        """
        ...


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key that is declared as deferred."""

    child: str
    columns: tuple[str, ...]
    parent: str
    referred: tuple[str, ...]


class DeferredKeys:
    """SQLite, which has no command for it: the deferred foreign keys of the rows that were written, looked up."""

    def __init__(self, connection: sa.Connection, plan: Plan, keys: Sequence[_Key]) -> None:
        self._connection = connection
        self._broken = [(key, query) for key in keys for query in _queries(plan, key)]

    def begin(self) -> None:
        """They wait as they are."""

    def violated(self, first: int, last: int) -> Trouble | None:
        """The first key that is broken."""
        for key, query in self._broken:
            if self._connection.execute(query, {"first": first, "last": last}).first():
                return _trouble(key)
        return None


def deferred_keys(connection: sa.Connection, plan: Plan) -> DeferredKeys | None:
    """Those of a SQLite table, and those that point at it; None where there are none."""
    found: dict[tuple[str, int], list[sa.Row[Any]]] = {}
    for row in connection.execute(_KEYS, {"name": plan.target.name}):
        if _DEFERRED.search(row.sql):
            found.setdefault((row.child, row.id), []).append(row)
    keys = [
        _Key(
            child=child,
            columns=tuple(row.ours for row in rows),
            parent=rows[0].parent,
            referred=tuple(row.theirs for row in rows if row.theirs) or _primary_key(connection, rows[0].parent),
        )
        for (child, _), rows in found.items()
    ]
    return DeferredKeys(connection, plan, keys) if keys else None


def _primary_key(connection: sa.Connection, table: str) -> tuple[str, ...]:
    return tuple(connection.execute(_PRIMARY_KEY, {"name": table}).scalars())


def _queries(plan: Plan, key: _Key) -> list[sa.Select[Any]]:
    queries = []
    if key.child.lower() == plan.target.name.lower():
        queries.append(_without_parent(plan, key))
    parts = {name.lower() for name in plan.key}
    if plan.counts.deletes and key.parent.lower() == plan.target.name.lower() and parts == _lower(key.referred):
        queries.append(_left_behind(plan, key))
    return queries


def _lower(names: Sequence[str]) -> set[str]:
    return {name.lower() for name in names}


def _without_parent(plan: Plan, key: _Key) -> sa.Select[Any]:
    """Rows written that point nowhere."""
    rows = plan.rows
    parent = sa.table(key.parent, *map(sa.column, key.referred)).alias("parent")
    ours = [rows.c[_spelt(name, rows)] for name in key.columns]
    # The parent's column stands left: its collation and its affinity are those of the comparison.
    there = sa.exists().where(*(parent.c[name] == own for name, own in zip(key.referred, ours, strict=True)))
    found = plan.records.join(rows, plan.same_key(plan.cells))
    # Of an update that leaves the key alone SQLite asks nothing; the row may have pointed nowhere before.
    touched = _lower(key.columns) & _lower([name for name in plan.stage.columns if name not in plan.key])
    query = sa.select(sa.literal(1)).select_from(found).where(_within(plan, INSERT, *([UPDATE] if touched else [])))
    return query.limit(1).where(*(own.isnot(None) for own in ours), ~there)


def _left_behind(plan: Plan, key: _Key) -> sa.Select[Any]:
    """Rows that point at one deleted."""
    doomed, rows = plan.doomed, plan.rows
    child = sa.table(key.child, *map(sa.column, key.columns)).alias("child")
    same = [doomed.c[_spelt(name, doomed)] == child.c[own] for name, own in zip(key.referred, key.columns, strict=True)]
    found = plan.deletions.join(child, sa.and_(*same))
    gone = ~sa.exists(sa.select(sa.literal(1)).select_from(rows).where(plan.same_key(doomed.c)).correlate(doomed))
    return sa.select(sa.literal(1)).select_from(found).where(_within(plan, DELETE), gone).limit(1)


def _spelt(name: str, table: sa.FromClause) -> str:
    """A column as the table spells it; SQLite does not mind the case in a foreign key."""
    return next(str(column.name) for column in table.c if column.name.lower() == name.lower())


def _within(plan: Plan, *actions: str) -> sa.ColumnElement[bool]:
    first, last = (sa.bindparam(name, type_=sa.Integer) for name in ("first", "last"))
    return plan.table.c.pos.between(first, last) & plan.table.c.action.in_(actions)


def _trouble(key: _Key) -> Trouble:
    columns = ", ".join(key.columns)
    return Trouble(
        blame=Blame.RECORD,
        code="SQLITE_CONSTRAINT_FOREIGNKEY",
        message=f"the foreign key {columns} -> {key.parent} points to a row that does not exist",
        constraint="foreign key",
        column=key.columns[0] if len(key.columns) == 1 else None,
        other_rows_matter=True,
    )


_DEFERRED = re.compile(r"\bdeferrable\s+initially\s+deferred\b", re.IGNORECASE)
# Of a table that is missing SQLite tells itself, when a row would refer to it.
_KEYS = sa.text(
    'SELECT m.name AS child, m.sql, f.id, f.seq, f."table" AS parent, f."from" AS ours, f."to" AS theirs'
    " FROM main.sqlite_master m, pragma_foreign_key_list(m.name) f"
    " JOIN main.sqlite_master p ON p.type = 'table' AND lower(p.name) = lower(f.\"table\")"
    " WHERE m.type = 'table' AND lower(:name) IN (lower(m.name), lower(f.\"table\")) ORDER BY m.name, f.id, f.seq"
)
_PRIMARY_KEY = sa.text("SELECT name FROM pragma_table_info(:name) WHERE pk ORDER BY pk")
