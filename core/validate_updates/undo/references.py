"""Foreign keys that do something to other rows when a row is deleted, followed as far as they lead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa

from validate_updates.targets.names import qualified
from validate_updates.targets.reflect import target_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable


@dataclass(frozen=True, slots=True)
class Place:
    """A table that a deletion reaches."""

    number: int
    """0: the table itself."""
    target: TargetTable
    address: str
    """The column by which a row is found within the transaction; empty where there is none."""

    @property
    def rows(self) -> sa.TableClause:
        """The table with untyped columns, and the address."""
        names = [*self.target.names, *([self.address] if self.address else [])]
        return sa.table(self.target.name, *map(sa.column, names), schema=self.target.schema)


@dataclass(frozen=True, slots=True)
class Reference:
    """A foreign key between two of them."""

    parent: Place
    child: Place
    columns: tuple[tuple[str, str], ...]
    """(column of the child, column of the parent)."""
    action: str
    """``CASCADE``, ``SET NULL`` or ``SET DEFAULT``."""

    @property
    def cascades(self) -> bool:
        """Whether rows of the child go too."""
        return self.action == "CASCADE"


@dataclass(frozen=True, slots=True)
class Reach:
    """What a deletion in a table does to other rows."""

    places: tuple[Place, ...]
    """Without those that :attr:`lost` names."""
    references: tuple[Reference, ...]
    lost: tuple[str, ...]
    """Tables whose rows cannot be followed."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A foreign key as the database tells it."""

    child: str
    child_schema: str | None
    columns: tuple[tuple[str, str], ...]
    action: str


def reach_of(database: Database, connection: sa.Connection, target: TargetTable) -> Reach:
    """Follow the foreign keys that point at a table."""
    places = {target.name: Place(0, target, _address(database, connection, target))}
    references: list[Reference] = []
    lost: list[str] = []
    waiting, followed = [target.name], {target.name}
    while waiting:
        parent = places[waiting.pop(0)]
        for key in _keys_to(database, connection, parent.target):
            child = places.get(key.child) or _place(database, connection, len(places), key)
            if not (parent.address and child.address) or key.child_schema != target.schema:
                lost.append(key.child)
                continue
            places[key.child] = child
            references.append(Reference(parent, child, key.columns, key.action))
            if key.action == "CASCADE" and key.child not in followed:
                followed.add(key.child)
                waiting.append(key.child)
    return Reach(tuple(places.values()), tuple(references), tuple(dict.fromkeys(lost)))


def _place(database: Database, connection: sa.Connection, number: int, key: _Key) -> Place:
    child = target_table(database, connection, key.child, schema=key.child_schema, key=())
    return Place(number, child, _address(database, connection, child))


def _address(database: Database, connection: sa.Connection, target: TargetTable) -> str:
    if database.is_sqlite:
        return "rowid" if target.rowid else ""
    name = qualified(target.schema, target.name)
    plain = connection.execute(_IS_PLAIN, {"name": name}).scalar_one()
    return "ctid" if plain else ""  # a partitioned table has many rows of one address


def _keys_to(database: Database, connection: sa.Connection, target: TargetTable) -> Sequence[_Key]:
    if not database.is_sqlite:
        name = qualified(target.schema, target.name)
        found = connection.execute(_POSTGRESQL, {"name": name, "schema": target.schema}).all()
        return [_Key(row.child, row.schema, tuple(map(tuple, row.columns)), row.action) for row in found]
    columns: dict[tuple[str, int], list[tuple[str, str]]] = {}
    actions: dict[tuple[str, int], str] = {}
    for child, number, position, ours, theirs, action in connection.execute(_SQLITE, {"name": target.name}):
        columns.setdefault((child, number), []).append((ours, theirs or target.primary_key[position]))
        actions[child, number] = action
    return [_Key(child, None, tuple(pairs), actions[child, number]) for (child, number), pairs in columns.items()]


_IS_PLAIN = sa.text("SELECT relkind = 'r' AND NOT relhassubclass FROM pg_class WHERE oid = to_regclass(:name)")
_SQLITE = sa.text(
    'SELECT m.name, f.id, f.seq, f."from", f."to", f.on_delete FROM sqlite_master m, pragma_foreign_key_list(m.name) f'
    " WHERE m.type = 'table' AND lower(f.\"table\") = lower(:name)"
    " AND f.on_delete IN ('CASCADE', 'SET NULL', 'SET DEFAULT') ORDER BY m.name, f.id, f.seq"
)
_POSTGRESQL = sa.text(
    "SELECT k.relname AS child, CASE WHEN CAST(:schema AS text) IS NULL AND n.nspname = current_schema() THEN NULL"
    " ELSE n.nspname END AS schema,"
    " CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' ELSE 'SET DEFAULT' END AS action,"
    " (SELECT json_agg(json_build_array(a.attname, f.attname) ORDER BY u.n)"
    "   FROM unnest(c.conkey, c.confkey) WITH ORDINALITY u(attnum, fattnum, n)"
    "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.attnum"
    "   JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = u.fattnum) AS columns"
    " FROM pg_constraint c JOIN pg_class k ON k.oid = c.conrelid JOIN pg_namespace n ON n.oid = k.relnamespace"
    " WHERE c.contype = 'f' AND c.confdeltype IN ('c', 'n', 'd') AND c.confrelid = to_regclass(:name)"
    " ORDER BY c.conname"
)
