"""The foreign keys of a table, and those that point at it, as the database tells them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa

from validate_updates.targets.names import qualified

if TYPE_CHECKING:
    from collections.abc import Sequence

    from validate_updates.targets.base import Database
    from validate_updates.targets.table import TargetTable

Name = tuple[str | None, str]
"""A table: its schema, where it is not the usual one, and its name."""


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key."""

    child: Name
    parent: Name
    columns: tuple[tuple[str, str], ...]
    """(column of the child, column of the parent)."""
    action: str
    """What a deletion in the parent does: ``CASCADE``, ``SET NULL``, ``SET DEFAULT``; empty where it is forbidden."""
    waits: bool
    """Whether SQLite may check it only at the commit. PostgreSQL can be asked to check earlier."""

    def children(self) -> Sequence[str]:
        """Columns of the child."""
        return [ours for ours, _ in self.columns]

    def parents(self) -> Sequence[str]:
        """Columns of the parent."""
        return [theirs for _, theirs in self.columns]


def keys_about(database: Database, connection: sa.Connection, target: TargetTable) -> Sequence[Key]:
    """The foreign keys of a table, and those that point at it."""
    if not database.is_sqlite:
        name = {"name": qualified(target.schema, target.name), "schema": target.schema}
        return [
            Key(
                child=(row.child_schema, row.child),
                parent=(row.parent_schema, row.parent),
                columns=tuple(map(tuple, row.columns)),
                action=row.action,
                waits=False,
            )
            for row in connection.execute(_POSTGRESQL, name)
        ]
    found: dict[tuple[str, int], list[sa.Row[tuple[object, ...]]]] = {}
    for row in connection.execute(_SQLITE, {"name": target.name}):
        found.setdefault((row.child, row.id), []).append(row)
    return [
        Key(
            child=(None, child),
            parent=(None, rows[0].parent),
            columns=tuple((row.ours, row.theirs) for row in rows),
            action=rows[0].action if rows[0].action in _ACTIONS else "",
            waits=bool(_DEFERRED.search(rows[0].sql)),
        )
        for (child, _), rows in found.items()
    ]


_ACTIONS: Final = {"CASCADE", "SET NULL", "SET DEFAULT"}
_DEFERRED = re.compile(r"\bdeferrable\s+initially\s+deferred\b", re.IGNORECASE)
# A foreign key of SQLite spells names as it likes, and may leave out the columns that it points at.
_SQLITE = sa.text(
    "SELECT m.name AS child, m.sql, f.id, p.name AS parent, f.on_delete AS action, ours.name AS ours,"
    " theirs.name AS theirs FROM main.sqlite_master m JOIN pragma_foreign_key_list(m.name) f"
    " JOIN main.sqlite_master p ON p.type = 'table' AND lower(p.name) = lower(f.\"table\")"
    ' JOIN pragma_table_info(m.name) ours ON lower(ours.name) = lower(f."from")'
    " JOIN pragma_table_info(p.name) theirs"
    '   ON CASE WHEN f."to" IS NULL THEN theirs.pk = f.seq + 1 ELSE lower(theirs.name) = lower(f."to") END'
    " WHERE m.type = 'table' AND lower(:name) IN (lower(m.name), lower(p.name)) ORDER BY m.name, f.id, f.seq"
)
_POSTGRESQL = sa.text(
    "SELECT k.relname AS child, p.relname AS parent,"
    " CASE WHEN CAST(:schema AS text) IS NULL AND n.nspname = current_schema() THEN NULL"
    " ELSE n.nspname END AS child_schema,"
    " CASE WHEN CAST(:schema AS text) IS NULL AND o.nspname = current_schema() THEN NULL"
    " ELSE o.nspname END AS parent_schema,"
    " CASE c.confdeltype WHEN 'c' THEN 'CASCADE' WHEN 'n' THEN 'SET NULL' WHEN 'd' THEN 'SET DEFAULT' ELSE '' END"
    " AS action,"
    " (SELECT json_agg(json_build_array(a.attname, f.attname) ORDER BY u.n)"
    "   FROM unnest(c.conkey, c.confkey) WITH ORDINALITY u(attnum, fattnum, n)"
    "   JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = u.attnum"
    "   JOIN pg_attribute f ON f.attrelid = c.confrelid AND f.attnum = u.fattnum) AS columns"
    " FROM pg_constraint c JOIN pg_class k ON k.oid = c.conrelid JOIN pg_namespace n ON n.oid = k.relnamespace"
    " JOIN pg_class p ON p.oid = c.confrelid JOIN pg_namespace o ON o.oid = p.relnamespace"
    " WHERE c.contype = 'f' AND to_regclass(:name) IN (c.conrelid, c.confrelid) ORDER BY c.conname"
)
